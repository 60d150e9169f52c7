"""Lists as tables for office programs: CSV and XLSX, in the rows that their JSON has."""
