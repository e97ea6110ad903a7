"""payerlake"""
