"""Public access: what browsers may read of profiles without a token. Off until somebody allows it."""
