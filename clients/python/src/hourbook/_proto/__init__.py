"""The contract as protoc gives it; made by generate.py."""
