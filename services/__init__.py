"""The three services of the federation and the kernel they share."""
