packages = ["nginx", "jq"]
