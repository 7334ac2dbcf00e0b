"""What several tests need to start real parts of the system."""
