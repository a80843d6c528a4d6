"""Data sets of RANS flows with reference stresses, brought to the one layout of the family."""
