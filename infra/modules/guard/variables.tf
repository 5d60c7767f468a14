# What a guard needs to know. modules/orchestrator calls this and checks the values: a rule stands there, with the words that a user reads.

variable "seat" {
  description = "The guard's own side, primary or recovery: where its functions run, and where it moves items to."
  type        = string
  validation {
    condition     = contains(["primary", "recovery"], var.seat)
    error_message = "seat: '${var.seat}' is neither primary nor recovery."
  }
}

variable "name" {
  description = "Name of the plan, and the prefix of everything this module creates."
  type        = string
}

variable "account" {
  description = "The account of Pilotlight's own resources, in both regions."
  type        = string
}

variable "partition" {
  description = "The partition of the regions."
  type        = string
}

variable "sides" {
  description = "The two places, as in modules/orchestrator."
  type        = map(object({ region = string, account = optional(string), external_id = optional(string) }))
}

variable "topics" {
  description = "The signals and notices topics of each side (modules/topics)."
  type        = map(object({ signals = string, notices = string }))
}

# --- The plan -------------------------------------------------------------------------------------------------

variable "plan_json" {
  description = "The plan document."
  type        = string
}

variable "plan_parts" {
  description = "How many parameters hold it. It is a separate number because Terraform must know it before the ARNs in the plan."
  type        = number
}

variable "databases" {
  description = "The databases of the plan, with identifiers in lower case as RDS keeps them."
  type = list(object({
    name           = string
    kind           = optional(string, "rds_replica")
    global_cluster = optional(string)
    sides          = map(object({ arn = string, quarantine_security_group = optional(string) }))
  }))
}

variable "fleets" {
  description = "The fleets of the plan. The guard needs their groups on its own side."
  type        = list(object({ sides = map(object({ group = string })) }))
}

variable "routes" {
  description = "The routes of the plan."
  type        = list(object({ sides = map(object({ endpoint_group = string })) }))
}

variable "detection" {
  description = "The signals of each side's loss. The guard receives those of the other side."
  type        = object({ sides = map(object({ alarms = optional(list(string), []) })) })
}

variable "signal_age_seconds_max" {
  description = "Maximum age of an alarm message that may start a run."
  type        = number
}

variable "step_seconds_max" {
  description = "Deadline of each step."
  type        = map(number)
}

variable "snapshots" {
  description = "How snapshots of the databases are kept, and after how many hours without a good one an alarm fires. null: none are, and the function snapshot-scheduler does not exist."
  type = object({
    age_hours_max   = number
    kms_key_arns    = optional(map(string), {})
    source_key_arns = optional(list(string), [])
    except          = optional(list(string), [])
  })
}

variable "parameters" {
  description = "Which parameters are kept equal in both regions, and how often a pass compares them. null: none, and the function ssm-replicator does not exist."
  type = object({
    include          = list(string)
    key_arns         = optional(map(string), {})
    decrypt_key_arns = optional(list(string), [])
    pass             = string
  })
}

variable "image_parameters" {
  description = "Parameters of the own region through which launch templates name their images."
  type        = list(string)
}

variable "witness_function_arn" {
  description = "The witness of the own side, which two of the functions ask about databases. null: there is none."
  type        = string
}

variable "peer_table_arn" {
  description = "ARN of the table in which the other guard keeps its journal, and its word to this one. null: this guard is alone."
  type        = string
  default     = null
}

# --- The functions --------------------------------------------------------------------------------------------

variable "package_dir" {
  description = "Folder with a zip for each function."
  type        = string
}

variable "architecture" {
  description = "Processor architecture of the packages."
  type        = string
}

variable "function_timeout_seconds" {
  description = "Timeout of each function that takes steps."
  type        = map(number)
}

variable "function_memory_mb" {
  description = "Memory of each function."
  type        = map(number)
}

variable "reserved_concurrency" {
  description = "Concurrent executions reserved for each function that a run needs. null: none; each scheduled function reserves one. -1: none for any function."
  type        = number
}

variable "log_level" {
  description = "Level of the functions' own log lines."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

# --- Alarms ---------------------------------------------------------------------------------------------------

variable "silence_minutes" {
  description = "After this many minutes without an invocation of alarm-handler, an alarm fires."
  type        = number
}

variable "unready_minutes" {
  description = "After this many minutes in which a readiness check was not ready or unknown, an alarm fires."
  type        = number
}

variable "error_alarm_functions" {
  description = "Functions whose Errors metric has an alarm."
  type        = set(string)
}

variable "direct_alarm_arns" {
  description = "Alarms of the own region that name alarm-handler itself as an action."
  type        = list(string)
}

variable "alarm_events" {
  description = "Whether each change of the plan's alarms also reaches alarm-handler by EventBridge."
  type        = bool
}

# --- Guarding -------------------------------------------------------------------------------------------------

variable "deletion_protection" {
  description = "Whether the journal's table refuses deletion."
  type        = bool
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the functions' roles, if the account demands one."
  type        = string
}

variable "kms_key_arns" {
  description = "Customer keys for queues, the commands topic, the journal's table and logs, one per region. null: AWS's own encryption."
  type        = object({ primary = optional(string), recovery = optional(string) })
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
}
