"""What the page of a room asks for while people are in it: JSON, behind the page's own token."""
