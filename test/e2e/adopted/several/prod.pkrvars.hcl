ami_id = "ami-0fedcba9876543210"
