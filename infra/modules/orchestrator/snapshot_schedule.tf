# What a cron expression means: which days it names, and how long it is from one time to the next at most. The alarm on a
# snapshot's age (modules/guard) must know, and rules.tf whether the time ever comes. Its form var.snapshots has checked.

locals {
  schedule_text = var.snapshots == null ? "CRON(0 0 * * ? *)" : upper(var.snapshots.schedule)
  schedule_raw  = split(" ", trimsuffix(trimprefix(local.schedule_text, "CRON("), ")"))

  month_numbers   = zipmap(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], range(1, 13))
  weekday_numbers = zipmap(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], range(1, 8))

  schedule_fields = {
    minute  = { what = "minute", text = local.schedule_raw[0], min = 0, max = 59, names = {} }
    hour    = { what = "hour", text = local.schedule_raw[1], min = 0, max = 23, names = {} }
    day     = { what = "day of month", text = replace(local.schedule_raw[2], "?", "*"), min = 1, max = 31, names = {} }
    month   = { what = "month", text = local.schedule_raw[3], min = 1, max = 12, names = local.month_numbers }
    weekday = { what = "day of week", text = replace(local.schedule_raw[4], "?", "*"), min = 1, max = 7, names = local.weekday_numbers }
    year    = { what = "year", text = local.schedule_raw[5], min = 1970, max = 2199, names = {} }
  }

  # The elements of each field that are numbers or ranges of them: first, last, step.
  schedule_ranges = { for key, field in local.schedule_fields : key => [for element in split(",", field.text) : {
    text  = element
    from  = startswith(element, "*") ? field.min : lookup(field.names, split("-", split("/", element)[0])[0], try(tonumber(split("-", split("/", element)[0])[0]), -1))
    to    = startswith(element, "*") ? field.max : lookup(field.names, reverse(split("-", split("/", element)[0]))[0], try(tonumber(reverse(split("-", split("/", element)[0]))[0]), -1))
    opens = strcontains(element, "/") && !strcontains(element, "-")
    step  = try(tonumber(split("/", element)[1]), 1)
  } if !can(regex("[LW#]", replace(element, "/JUL|WED/", "")))] }

  # Days that have no number of their own: L, LW and 15W of a month, 2#1 and 2L among weekdays.
  special_days = [for element in split(",", local.schedule_raw[2]) : element if can(regex("[LW]", element))]
  special_weekdays = [for element in split(",", local.schedule_raw[4]) : {
    text  = element
    day   = lookup(local.weekday_numbers, split("#", trimsuffix(element, "L"))[0], try(tonumber(split("#", trimsuffix(element, "L"))[0]), 0))
    which = endswith(element, "L") ? "L" : try(tostring(tonumber(split("#", element)[1])), "0")
  } if can(regex("#|[0-9A-Z]L$", element))]

  schedule_field_problems = concat(
    flatten([for key, field in local.schedule_fields : [for r in local.schedule_ranges[key] : concat(
      [for n in distinct([r.from, r.to]) : "${field.what} ${n} lies outside ${field.min} to ${field.max}" if n < field.min || n > field.max],
      r.from > r.to ? ["`${r.text}` ends before it begins"] : [],
      r.step < 1 ? ["`${r.text}` is no ${field.what}"] : [],
    )]]),
    [for d in local.special_days : "`${d}` is no day of month" if !contains(["L", "LW"], d) && !contains(range(1, 32), try(tonumber(trimsuffix(d, "W")), 0))],
    [for d in local.special_weekdays : "`${d.text}` is no day of week" if !contains(range(1, 8), d.day) || !contains(["L", "1", "2", "3", "4", "5"], d.which)],
  )
  schedule_is_sound = var.snapshots != null && length(local.schedule_field_problems) == 0

  # What each field names, as numbers; nothing where one of them is wrong.
  schedule_values = { for key, field in local.schedule_fields : key => flatten([for r in local.schedule_is_sound ? local.schedule_ranges[key] : [] : [
    for n in range(r.from, (r.opens ? field.max : r.to) + 1, r.step) : n
  ]]) }
  schedule_hours = [for h in range(24) : h if contains(local.schedule_values.hour, h)]

  # Years in which every weekday falls on every date, the 29th of February included; of years that are named the first forty.
  schedule_years = (!local.schedule_is_sound ? [] : local.schedule_raw[5] == "*" ? range(2024, 2052)
  : [for i, year in sort(distinct([for n in local.schedule_values.year : tostring(n)])) : tonumber(year) if i < 40])

  # Of each month that is named: its days, and the first one's number since 1970-01-01 (the year begins with March, so that the 29th of
  # February is its last day).
  schedule_months = flatten([for y in local.schedule_years : [for m in range(1, 13) : {
    days  = m == 2 ? (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : 28) : contains([4, 6, 9, 11], m) ? 30 : 31
    first = 365 * (m <= 2 ? y - 1 : y) + floor((m <= 2 ? y - 1 : y) / 4) - floor((m <= 2 ? y - 1 : y) / 100) + floor((m <= 2 ? y - 1 : y) / 400) + floor((153 * ((m + 9) % 12) + 2) / 5) - 719468
  } if contains(local.schedule_values.month, m)]])

  weekday_decides = local.schedule_raw[2] == "?"
  due_days = flatten([for month in local.schedule_months : [for d in range(1, month.days + 1) : month.first + d - 1 if(local.weekday_decides
    ? contains(local.schedule_values.weekday, (month.first + d + 3) % 7 + 1) || anytrue([for s in local.special_weekdays :
    s.day == (month.first + d + 3) % 7 + 1 && (s.which == "L" ? d + 7 > month.days : s.which == tostring(ceil(d / 7)))])
    : contains(local.schedule_values.day, d) || anytrue([for s in local.special_days : startswith(s, "L") ? d == month.days : d == tonumber(trimsuffix(s, "W"))])
  )]])

  # From one time to the next, at most. A weekday near a date lies up to two days beside it. A time that comes once only is
  # given a year.
  longest_gap_days = length(local.due_days) < 2 ? 366 : max([for i, day in local.due_days : i == 0 ? 0 : day - local.due_days[i - 1]]...) + (anytrue([for s in local.special_days : endswith(s, "W")]) ? 4 : 0)
  longest_gap_hours = !local.schedule_is_sound ? 24 : max(concat(
    [local.longest_gap_days * 24 + local.schedule_hours[0] - reverse(local.schedule_hours)[0]],
    [for i, hour in local.schedule_hours : i == 0 ? 0 : hour - local.schedule_hours[i - 1]],
  )...)

  # The longest time between two snapshots and two hours: one that was missed, and time to make it good.
  snapshot_age_hours_max = local.longest_gap_hours + 2
}
