# What only you can give.

variable "image_ids" {
  description = "Machine image of each region; it answers /health on port 8080."
  type        = object({ primary = string, recovery = string })
}

variable "database_password" {
  description = "Password of the database's master user. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "deletion_protection" {
  description = "Whether databases and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role, where the account demands one."
  type        = string
  default     = null
}
