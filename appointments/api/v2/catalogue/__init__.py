"""The API of the catalogue: subject groups, subjects, offices, listings, lead segments, forms."""
