"""What scripts.prepare_images does: find files, enhance their pictures, write what Label Studio shows."""
