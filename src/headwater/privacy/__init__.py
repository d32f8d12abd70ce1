"""What may leave: consent and the sender's own choice of integrations."""
