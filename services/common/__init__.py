"""The kernel: technical, small; it knows no service and no loan."""
