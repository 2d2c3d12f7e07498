"""What ours is compared with: a bare view, and the plain way with the same framework."""
