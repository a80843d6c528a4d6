"""What a prediction needs: schema, units, tensors, scaling, guard, surrogate, bundle."""
