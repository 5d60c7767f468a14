# A static site in a bucket of each region, and one distribution that reads whichever answers.

module "storage" {
  source    = "../storage"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name    = var.name
  regions = var.regions
  # S3's own key: a site is public by nature, and CloudFront needs no right to a key.
  buckets                  = { site = { customer_key = false } }
  readers                  = var.distribute ? { site = aws_cloudfront_distribution.this[0].arn } : {}
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = var.tags
}

locals {
  tags = merge({ "pilotlight:frontend" = var.name }, var.tags)

  # Policies that AWS keeps, by their published ids.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  security_headers  = "67f7725c-6f97-4210-82d7-5512b31e9d03"
}

resource "aws_cloudfront_origin_access_control" "this" {
  count    = var.distribute ? 1 : 0
  provider = aws.recovery

  name                              = "${var.name}-site"
  description                       = "Reads the buckets of ${var.name}."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "this" {
  count    = var.distribute ? 1 : 0
  provider = aws.recovery

  comment             = var.name
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  default_root_object = var.default_document
  aliases             = var.aliases
  price_class         = var.price_class
  web_acl_id          = var.web_acl_arn

  origin {
    origin_id                = "primary"
    domain_name              = module.storage.domain_names.primary["site"]
    origin_access_control_id = aws_cloudfront_origin_access_control.this[0].id
    connection_attempts      = 2
    connection_timeout       = 3
  }
  origin {
    origin_id                = "recovery"
    domain_name              = module.storage.domain_names.recovery["site"]
    origin_access_control_id = aws_cloudfront_origin_access_control.this[0].id
    connection_attempts      = 2
    connection_timeout       = 3
  }

  # The distribution asks the other bucket for each request that the first doesn't answer. Nobody has to decide that: a
  # site is read only, and both buckets hold the same.
  origin_group {
    origin_id = "both"
    failover_criteria {
      status_codes = [500, 502, 503, 504]
    }
    member {
      origin_id = "primary"
    }
    member {
      origin_id = "recovery"
    }
  }

  default_cache_behavior {
    target_origin_id           = "both"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    compress                   = true
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = local.security_headers
  }

  dynamic "custom_error_response" {
    # S3 answers 403 where nothing is, because nobody may list.
    for_each = var.single_page ? [403, 404] : []
    content {
      error_code            = custom_error_response.value
      response_code         = 200
      response_page_path    = "/${var.default_document}"
      error_caching_min_ttl = 10
    }
  }

  dynamic "logging_config" {
    for_each = var.log_bucket_domain_name == null ? [] : [var.log_bucket_domain_name]
    content {
      bucket          = logging_config.value
      prefix          = "${var.name}/"
      include_cookies = false
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.certificate_arn == null
    acm_certificate_arn            = var.certificate_arn
    ssl_support_method             = var.certificate_arn == null ? null : "sni-only"
    minimum_protocol_version       = var.certificate_arn == null ? null : "TLSv1.2_2021"
  }

  tags = local.tags
}
