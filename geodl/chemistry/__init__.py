"""Emulators of stiff chemical kinetics that conserve every element, stay positive and know their domain."""
