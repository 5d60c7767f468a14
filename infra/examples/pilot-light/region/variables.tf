# What differs between the two regions.

variable "name" {
  description = "Name of the workload."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "network" {
  description = "Address range of the VPC, a /16. The two regions' ranges must not overlap, should they ever be connected."
  type        = string
}

variable "image_id" {
  description = "Machine image of the web servers."
  type        = string
}

variable "instance_type" {
  description = "Type of the web servers."
  type        = string
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses to be deleted."
  type        = bool
}
