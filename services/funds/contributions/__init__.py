"""What contributors give or place in a fund, what is paid back to them, what is reversed."""
