"""What a mechanism says of its species: composition, thermodynamics, order, fingerprint."""
