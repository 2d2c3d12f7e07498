"""Drills at full size: the product as a whole, from outside, on servers of its own."""
