"""What borrowers pay back."""
