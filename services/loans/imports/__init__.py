"""What members send as sheets: the columns of each kind, and the row they make."""
