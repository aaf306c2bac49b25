"""What learning and measuring need: data folders, simulated annotators, augmentation, training."""
