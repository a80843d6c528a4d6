"""OpenFOAM cases read and written without OpenFOAM, and VTK files."""
