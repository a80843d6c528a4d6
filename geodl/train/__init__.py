"""Splitting, training, measuring and reporting; never imports an exporter."""
