"""Files that a submission, a milestone or an assigned target rests upon (佐证材料)."""
