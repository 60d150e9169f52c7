"""Routes of spreadsheets: prefilled forms to download, and files to upload."""
