"""What the paths of conflicts share, whatever they are over; the paths are with the things."""
