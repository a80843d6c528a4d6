"""What the reproductions of the family measure, case by case."""
