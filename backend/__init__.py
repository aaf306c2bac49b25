"""The service: Label Studio's ML-backend protocol over the models."""
