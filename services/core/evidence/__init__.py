"""Files that support a submission, a milestone or an assigned target (佐证材料)."""
