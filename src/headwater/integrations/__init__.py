"""The library of integrations: a folder for each, with playbook, connection, metadata, delivery and examples."""
