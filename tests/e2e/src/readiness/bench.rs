//! The hands that break and mend a stack: calls that a person could make, and the launcher's control API.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use aws_sdk_autoscaling::types::{
    LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification, MixedInstancesPolicy,
};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, ProtocolEnum, TargetDescription,
};
use aws_sdk_globalaccelerator::types::EndpointConfiguration;
use lab::cloud::ACCOUNT;
use lab::cloud::call::{Call, Shape};
use lab::terraform::examples::administrator;
use lab::world::{PRIMARY, RECOVERY};
use serde_json::{Value, json};

use crate::scene::{Part, Scene};
use crate::snapshots::Shelf;

/// Something that is done.
pub(super) type Task<'b> = Pin<Box<dyn Future<Output = Result<()>> + 'b>>;

/// Most bytes of a parameter of the standard tier.
const PARAMETER_BYTES_MAX: usize = 4_096;

/// What the small stack reserves for a function.
const RESERVED: i32 = 3;

/// Where Global Accelerator's API lives.
const ACCELERATOR_REGION: &str = "us-west-2";

/// A subscription as it has to be made again.
struct Subscription {
    topic: String,
    protocol: String,
    endpoint: String,
    attributes: Vec<(String, String)>,
}

/// A stack, and what was taken away from it and has to be put back.
pub(super) struct Bench<'s, 'w> {
    pub(super) scene: &'s Scene<'w>,
    pub(super) part: Part,
    rds: aws_sdk_rds::Client,
    rds_primary: aws_sdk_rds::Client,
    autoscaling: aws_sdk_autoscaling::Client,
    balancing: aws_sdk_elasticloadbalancingv2::Client,
    accelerator: aws_sdk_globalaccelerator::Client,
    sns: aws_sdk_sns::Client,
    ssm: aws_sdk_ssm::Client,
    ssm_primary: aws_sdk_ssm::Client,
    plan: Mutex<Option<Vec<(String, String)>>>,
    subscriptions: Mutex<Vec<Subscription>>,
    targets: Mutex<Vec<TargetDescription>>,
    disabled: Mutex<Vec<String>>,
    text: Mutex<Option<String>>,
    made: Mutex<Vec<String>>,
}

fn take<T: Default>(kept: &Mutex<T>) -> T {
    std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
}

fn keep<T>(kept: &Mutex<T>, value: T) {
    *kept.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

impl<'s, 'w> Bench<'s, 'w> {
    pub(super) async fn of(scene: &'s Scene<'w>, part: Part) -> Result<Self> {
        let config = scene.world.cloud.config(RECOVERY).await;
        let accelerator = scene.world.cloud.config(ACCELERATOR_REGION).await;
        Ok(Self {
            scene,
            part,
            rds: aws_sdk_rds::Client::new(&config),
            rds_primary: aws_sdk_rds::Client::new(&scene.world.cloud.config(PRIMARY).await),
            autoscaling: aws_sdk_autoscaling::Client::new(&config),
            balancing: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            accelerator: aws_sdk_globalaccelerator::Client::new(&accelerator),
            sns: aws_sdk_sns::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            ssm_primary: aws_sdk_ssm::Client::new(&scene.world.cloud.config(PRIMARY).await),
            plan: Mutex::default(),
            subscriptions: Mutex::default(),
            targets: Mutex::default(),
            disabled: Mutex::default(),
            text: Mutex::default(),
            made: Mutex::default(),
        })
    }

    /// Makes a call of a service that has no client here, in the recovery region.
    async fn ask(
        &self,
        service: &'static str,
        prefix: &'static str,
        action: &'static str,
        document: Value,
    ) -> Result<String> {
        let call =
            Call { service, region: RECOVERY.to_owned(), action, shape: Shape::Json(prefix, document) };
        call.done(self.scene.world.endpoint_url(), &administrator()).await
    }

    async fn key(&self, action: &'static str, key: String) -> Result<()> {
        self.ask("kms", "TrentService", action, json!({ "KeyId": key })).await.map(drop)
    }

    fn output(&self, path: &[&str]) -> Result<&str> {
        self.scene.stack(self.part).output(path)
    }

    /// Disturbs the replica by the launcher.
    pub(super) fn replica(&self, how: Value) -> Task<'_> {
        Box::pin(async move {
            let path = format!("databases/{RECOVERY}/{}", self.output(&["databases", "replica"])?);
            self.scene.world.disturb(&path, &how).await?;
            Ok(())
        })
    }

    /// For how many days the instance that was the replica keeps its backups.
    pub(super) fn backups(&self, days: i32) -> Task<'_> {
        Box::pin(async move {
            let replica = self.output(&["databases", "replica"])?;
            let request = self.rds.modify_db_instance().db_instance_identifier(replica);
            request.backup_retention_period(days).apply_immediately(true).send().await?;
            Ok(())
        })
    }

    /// Whether the primary has a standby in another zone.
    pub(super) fn primary_standby(&self, has: bool) -> Task<'_> {
        Box::pin(async move {
            let primary = self.output(&["databases", "primary"])?;
            let request = self.rds_primary.modify_db_instance().db_instance_identifier(primary);
            request.multi_az(has).apply_immediately(true).send().await?;
            Ok(())
        })
    }

    /// Whether a scheduled action empties the group at night.
    pub(super) fn scheduled(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let group = self.output(&["groups", "recovery"])?;
            if is {
                let request = self.autoscaling.put_scheduled_update_group_action().desired_capacity(0);
                let request = request.auto_scaling_group_name(group).scheduled_action_name("night");
                request.recurrence("0 20 * * *").send().await?;
            } else {
                let request = self.autoscaling.delete_scheduled_action().auto_scaling_group_name(group);
                request.scheduled_action_name("night").send().await?;
            }
            Ok(())
        })
    }

    /// Whether the group would launch a type that no zone offers.
    pub(super) fn type_of_nowhere(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let group = self.output(&["groups", "recovery"])?;
            let request = self.autoscaling.update_auto_scaling_group().auto_scaling_group_name(group);
            if !is {
                let template = take(&self.made);
                let [id, version] = template.as_slice() else {
                    anyhow::bail!("the template was not changed")
                };
                let template = LaunchTemplateSpecification::builder().launch_template_id(id).version(version);
                request.launch_template(template.build()).send().await?;
                return Ok(());
            }
            let found = self.autoscaling.describe_auto_scaling_groups();
            let found = found.auto_scaling_group_names(group).send().await?;
            let template = found.auto_scaling_groups().first().and_then(|group| group.launch_template());
            let template = template.context("the group has a launch template")?.clone();
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            keep(&self.made, vec![text(template.launch_template_id()), text(template.version())]);
            let nowhere = LaunchTemplateOverrides::builder().instance_type("x9.huge").build();
            let mixed = LaunchTemplate::builder().launch_template_specification(template).overrides(nowhere);
            let mixed = MixedInstancesPolicy::builder().launch_template(mixed.build());
            request.mixed_instances_policy(mixed.build()).send().await?;
            Ok(())
        })
    }

    /// Whether EBS encrypts by itself, with a key that Auto Scaling may not use.
    pub(super) fn default_volume_key(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            if !is {
                return self.compute("DisableEbsEncryptionByDefault", &[]).await;
            }
            let made = self.ask("kms", "TrentService", "CreateKey", json!({})).await?;
            let made: Value = serde_json::from_str(&made)?;
            let key = made.pointer("/KeyMetadata/Arn").and_then(Value::as_str).context("a key has an ARN")?;
            self.compute("ModifyEbsDefaultKmsKeyId", &[("KmsKeyId", key)]).await?;
            self.compute("EnableEbsEncryptionByDefault", &[]).await
        })
    }

    /// Makes a call of EC2 in the recovery region.
    async fn compute(&self, action: &'static str, parameters: &[(&'static str, &str)]) -> Result<()> {
        let call = Call::query("ec2", RECOVERY, action, "2016-11-15", parameters);
        call.done(self.scene.world.endpoint_url(), &administrator()).await.map(drop)
    }

    /// Whether the recovery load balancer sends to a target group that nobody fills.
    pub(super) fn stranger(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            if !is {
                let made = take(&self.made);
                let [listener, group] = made.as_slice() else { anyhow::bail!("no target group was made") };
                self.balancing.delete_listener().listener_arn(listener).send().await?;
                self.balancing.delete_target_group().target_group_arn(group).send().await?;
                return Ok(());
            }
            let own = self.output(&["target_group_arns", "recovery"])?;
            let own = self.balancing.describe_target_groups().target_group_arns(own).send().await?;
            let vpc = own.target_groups().first().and_then(|group| group.vpc_id()).context("it has a VPC")?;
            let request = self.balancing.create_target_group().name("other-than-planned").vpc_id(vpc);
            let made = request.protocol(ProtocolEnum::Http).port(8081).send().await?;
            let group = made.target_groups().first().and_then(|group| group.target_group_arn());
            let group = group.context("a target group has an ARN")?.to_owned();
            let forward = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(&group);
            let request = self.balancing.create_listener().protocol(ProtocolEnum::Http).port(8081);
            let request = request.load_balancer_arn(self.output(&["load_balancer_arns", "recovery"])?);
            let answer = request.default_actions(forward.build()).send().await?;
            let listener = answer.listeners().first().and_then(|listener| listener.listener_arn());
            keep(&self.made, vec![listener.context("a listener has an ARN")?.to_owned(), group]);
            Ok(())
        })
    }

    /// Whether the listener of the route has two more endpoint groups.
    pub(super) fn more_endpoint_groups(&self, has: bool) -> Task<'_> {
        Box::pin(async move {
            if !has {
                for group in take(&self.made) {
                    self.accelerator.delete_endpoint_group().endpoint_group_arn(group).send().await?;
                }
                return Ok(());
            }
            let own = self.output(&["endpoint_group_arns", "recovery"])?;
            let (listener, _) = own.split_once("/endpoint-group/").context("a group has a listener")?;
            let mut made = Vec::new();
            for region in ["eu-west-1", "ap-northeast-1"] {
                let request = self.accelerator.create_endpoint_group().listener_arn(listener);
                let request = request.endpoint_group_region(region).idempotency_token(region);
                let group = request.send().await?.endpoint_group;
                made.extend(group.and_then(|group| group.endpoint_group_arn));
            }
            keep(&self.made, made);
            Ok(())
        })
    }

    /// Whether the group may launch.
    pub(super) fn launches(&self, may: bool) -> Task<'_> {
        Box::pin(async move {
            let group = self.output(&["groups", "recovery"])?;
            if may {
                let request = self.autoscaling.resume_processes().auto_scaling_group_name(group);
                request.scaling_processes("Launch").send().await?;
            } else {
                let request = self.autoscaling.suspend_processes().auto_scaling_group_name(group);
                request.scaling_processes("Launch").send().await?;
            }
            Ok(())
        })
    }

    /// Whether the group registers its servers.
    pub(super) fn attached(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let group = self.output(&["groups", "recovery"])?;
            let targets = self.output(&["target_group_arns", "recovery"])?;
            if is {
                let request = self.autoscaling.attach_load_balancer_target_groups();
                request.auto_scaling_group_name(group).target_group_arns(targets).send().await?;
            } else {
                let request = self.autoscaling.detach_load_balancer_target_groups();
                request.auto_scaling_group_name(group).target_group_arns(targets).send().await?;
            }
            Ok(())
        })
    }

    /// Whether the servers are registered with the target group.
    pub(super) fn targets(&self, are: bool) -> Task<'_> {
        Box::pin(async move {
            let group = self.output(&["target_group_arns", "recovery"])?;
            if are {
                let request = self.balancing.register_targets().target_group_arn(group);
                request.set_targets(Some(take(&self.targets))).send().await?;
                return Ok(());
            }
            let health = self.balancing.describe_target_health().target_group_arn(group).send().await?;
            let targets: Vec<TargetDescription> =
                health.target_health_descriptions().iter().filter_map(|found| found.target.clone()).collect();
            ensure!(!targets.is_empty(), "no target is registered");
            keep(&self.targets, targets.clone());
            let request = self.balancing.deregister_targets().target_group_arn(group);
            request.set_targets(Some(targets)).send().await?;
            Ok(())
        })
    }

    /// Gives the endpoint of a side a weight, or takes it out of its group.
    pub(super) fn endpoint(&self, side: &'static str, weight: Option<i32>) -> Task<'_> {
        Box::pin(async move {
            let endpoint = self.output(&["load_balancer_arns", side])?;
            let configuration = weight.map(|weight| {
                let builder = EndpointConfiguration::builder().endpoint_id(endpoint).weight(weight);
                builder.client_ip_preservation_enabled(true).build()
            });
            let request = self.accelerator.update_endpoint_group();
            let request = request.endpoint_group_arn(self.output(&["endpoint_group_arns", side])?);
            request.set_endpoint_configurations(Some(configuration.into_iter().collect())).send().await?;
            Ok(())
        })
    }

    /// Sets the traffic dial of the recovery side.
    pub(super) fn dial(&self, percent: f32) -> Task<'_> {
        Box::pin(async move {
            let request = self.accelerator.update_endpoint_group().traffic_dial_percentage(percent);
            let group = self.output(&["endpoint_group_arns", "recovery"])?;
            request.endpoint_group_arn(group).send().await?;
            Ok(())
        })
    }

    /// Has the plan name a target group that is not there.
    pub(super) fn no_such_target_group(&self) -> Task<'_> {
        let arn = format!(
            "arn:aws:elasticloadbalancing:{RECOVERY}:{ACCOUNT}:targetgroup/no-such-group/0123456789abcdef"
        );
        self.plan(&["fleets", "0", "sides", "recovery", "target_groups", "0"], Value::String(arn))
    }

    /// Changes a value of the plan that the functions read.
    pub(super) fn plan(&self, path: &'static [&'static str], value: Value) -> Task<'_> {
        Box::pin(async move {
            let mut parts = Vec::new();
            for name in self.plan_names()? {
                let found = self.ssm.get_parameter().name(name).send().await?;
                let text = found.parameter.and_then(|parameter| parameter.value);
                parts.push((name.to_owned(), text.context("the plan has a text")?));
            }
            let whole: String = parts.iter().map(|(_, text)| text.as_str()).collect();
            let mut plan: Value = serde_json::from_str(&whole)?;
            let place = plan.pointer_mut(&format!("/{}", path.join("/")));
            *place.with_context(|| format!("the plan has no {}", path.join(".")))? = value;
            let mut changed: Vec<(String, String)> =
                parts.iter().map(|(name, _)| (name.clone(), String::new())).collect();
            let text: Vec<char> = plan.to_string().chars().collect();
            let each = text.len().div_ceil(changed.len());
            for ((_, part), characters) in changed.iter_mut().zip(text.chunks(each)) {
                part.extend(characters);
                ensure!(part.len() <= PARAMETER_BYTES_MAX, "the plan no longer fits its parameters");
            }
            keep(&self.plan, Some(parts));
            self.write_plan(&changed).await
        })
    }

    /// Puts the plan back.
    pub(super) fn plan_as_it_was(&self) -> Task<'_> {
        Box::pin(async move {
            let parts = take(&self.plan).context("the plan was not changed")?;
            self.write_plan(&parts).await
        })
    }

    fn plan_names(&self) -> Result<Vec<&str>> {
        let outputs = &self.scene.stack(self.part).outputs;
        let names = outputs.pointer("/plan_parameter_names/value").and_then(Value::as_array);
        Ok(names.context("the plan has names")?.iter().filter_map(Value::as_str).collect())
    }

    async fn write_plan(&self, parts: &[(String, String)]) -> Result<()> {
        for (name, text) in parts {
            self.ssm.put_parameter().name(name).value(text).overwrite(true).send().await?;
        }
        let whole: String = parts.iter().map(|(_, text)| text.as_str()).collect();
        let first = parts.first().and_then(|(name, _)| name.strip_suffix("/0"));
        let name = format!("{}/checksum", first.context("the first part is number 0")?);
        let checksum = protocol::plan::checksum(&whole);
        self.ssm.put_parameter().name(name).value(checksum).overwrite(true).send().await?;
        Ok(())
    }

    /// Takes subscriptions of a topic away, so many of them.
    pub(super) fn deaf(&self, topic: &'static str, most: usize) -> Task<'_> {
        Box::pin(async move {
            let topic = self.output(&["topic_arns", topic])?;
            let found = self.sns.list_subscriptions_by_topic().topic_arn(topic).send().await?;
            let mut kept = Vec::new();
            for found in found.subscriptions().iter().take(most) {
                let arn = found.subscription_arn().context("a subscription has an ARN")?;
                let shown = self.sns.get_subscription_attributes().subscription_arn(arn).send().await?;
                let settable =
                    |name: &str| ["FilterPolicy", "FilterPolicyScope", "RedrivePolicy"].contains(&name);
                let attributes = shown.attributes.unwrap_or_default();
                kept.push(Subscription {
                    topic: topic.to_owned(),
                    protocol: found.protocol().unwrap_or_default().to_owned(),
                    endpoint: found.endpoint().unwrap_or_default().to_owned(),
                    attributes: attributes.into_iter().filter(|(name, _)| settable(name)).collect(),
                });
                self.sns.unsubscribe().subscription_arn(arn).send().await?;
            }
            ensure!(!kept.is_empty(), "nobody is subscribed to {topic}");
            keep(&self.subscriptions, kept);
            Ok(())
        })
    }

    /// Subscribes again whoever was.
    pub(super) fn hearing(&self) -> Task<'_> {
        Box::pin(async move {
            for Subscription { topic, protocol, endpoint, attributes } in take(&self.subscriptions) {
                let request = self.sns.subscribe().topic_arn(topic).protocol(protocol).endpoint(endpoint);
                request.set_attributes(Some(attributes.into_iter().collect())).send().await?;
            }
            Ok(())
        })
    }

    /// Has the group launch from a version of its template; nothing is the one it had.
    pub(super) fn template(&self, version: Option<&'static str>) -> Task<'_> {
        Box::pin(async move {
            let group = self.output(&["groups", "recovery"])?;
            let found = self.autoscaling.describe_auto_scaling_groups();
            let found = found.auto_scaling_group_names(group).send().await?;
            let template = found.auto_scaling_groups().first().and_then(|group| group.launch_template());
            let template = template.context("the group has a launch template")?;
            let version = if let Some(version) = version {
                keep(&self.text, template.version().map(str::to_owned));
                version.to_owned()
            } else {
                take(&self.text).context("the template's version was not changed")?
            };
            let template = LaunchTemplateSpecification::builder()
                .set_launch_template_id(template.launch_template_id().map(str::to_owned))
                .version(version);
            let request = self.autoscaling.update_auto_scaling_group().auto_scaling_group_name(group);
            request.launch_template(template.build()).send().await?;
            Ok(())
        })
    }

    /// Whether the recovery load balancer has a listener whose certificate is gone.
    pub(super) fn listener(&self, has: bool) -> Task<'_> {
        Box::pin(async move {
            if !has {
                let listener = take(&self.text).context("no listener was made")?;
                self.balancing.delete_listener().listener_arn(listener).send().await?;
                return Ok(());
            }
            let arn =
                format!("arn:aws:acm:{RECOVERY}:{ACCOUNT}:certificate/00000000-0000-4000-8000-000000000000");
            let forward = Action::builder().r#type(ActionTypeEnum::Forward);
            let forward = forward.target_group_arn(self.output(&["target_group_arns", "recovery"])?);
            let request = self.balancing.create_listener().protocol(ProtocolEnum::Https).port(8443);
            let request = request.load_balancer_arn(self.output(&["load_balancer_arns", "recovery"])?);
            let request = request.certificates(Certificate::builder().certificate_arn(arn).build());
            let answer = request.default_actions(forward.build()).send().await?;
            let listener = answer.listeners().first().and_then(|listener| listener.listener_arn());
            keep(&self.text, Some(listener.context("a listener has an ARN")?.to_owned()));
            Ok(())
        })
    }

    /// Whether a parameter of the recovery region, which nobody copied, has the name of one that is to be copied.
    pub(super) fn parameter(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let name = format!("/{}/app/not-a-copy", self.scene.stack(self.part).name);
            for (client, value) in [(&self.ssm, "there"), (&self.ssm_primary, "here")] {
                if is {
                    let request = client.put_parameter().name(&name).value(value);
                    request.r#type(aws_sdk_ssm::types::ParameterType::String).send().await?;
                } else {
                    client.delete_parameter().name(&name).send().await?;
                }
            }
            // Under a hold nothing is compared.
            self.scene.bring_on(self.part).await?;
            self.scene.pass(self.part).await?;
            self.scene.put_off(self.part).await
        })
    }

    /// Whether the recovery region has snapshots.
    pub(super) fn snapshots(&self, has: bool) -> Task<'_> {
        Box::pin(async move {
            if has {
                return self.scene.stack(self.part).keep_up(&self.scene.world.cloud).await;
            }
            let database = self.output(&["databases", "primary"])?;
            let there = Shelf::of(self.scene, RECOVERY, database).await;
            for snapshot in there.good().await? {
                self.rds.delete_db_snapshot().db_snapshot_identifier(snapshot.id).send().await?;
            }
            self.scene.keep(self.part).await?;
            Ok(())
        })
    }

    /// Whether the keys of the stack in the recovery region are enabled.
    pub(super) fn keys(&self, are: bool) -> Task<'_> {
        Box::pin(async move {
            if are {
                for key in take(&self.disabled) {
                    self.key("EnableKey", key).await?;
                }
                return Ok(());
            }
            let replica = self.output(&["databases", "replica"])?;
            let found = self.rds.describe_db_instances().db_instance_identifier(replica).send().await?;
            let key = found.db_instances().first().and_then(|found| found.kms_key_id());
            let key = key.context("the replica has a key")?.to_owned();
            self.key("DisableKey", key.clone()).await?;
            keep(&self.disabled, vec![key]);
            Ok(())
        })
    }

    /// Has the plan name an endpoint group that no role of the stack may change.
    pub(super) fn foreign_endpoint_group(&self) -> Task<'_> {
        let arn = format!("arn:aws:globalaccelerator::{ACCOUNT}:accelerator/a/listener/b/endpoint-group/c");
        self.plan(&["routes", "0", "sides", "recovery", "endpoint_group"], Value::String(arn))
    }

    /// Whether the release names the code that the alarm-handler has.
    pub(super) fn release(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let name = format!("/pilotlight/{}/release", self.scene.stack(self.part).name);
            let text = if is {
                take(&self.text).context("the release was not changed")?
            } else {
                let found = self.ssm.get_parameter().name(&name).send().await?;
                let text = found.parameter.and_then(|parameter| parameter.value);
                let text = text.context("the release has a text")?;
                let mut release: Value = serde_json::from_str(&text)?;
                let function = self.scene.stack(self.part).function("alarm-handler")?;
                let code = release.get_mut(function).context("the release names the alarm-handler")?;
                *code = Value::from("of another build");
                keep(&self.text, Some(text));
                release.to_string()
            };
            self.ssm.put_parameter().name(name).value(text).overwrite(true).send().await?;
            Ok(())
        })
    }

    /// Whether a function of a run is switched off, by a reservation of nothing.
    pub(super) fn switched_off(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let function = self.scene.stack(self.part).function("scale-asg")?;
            self.scene.world.cloud.reserve(RECOVERY, function, if is { 0 } else { RESERVED }).await
        })
    }

    /// Whether a message lies in a dead-letter queue.
    pub(super) fn dead_letter(&self, lies: bool) -> Task<'_> {
        Box::pin(async move {
            let function = self.scene.stack(self.part).function("scale-asg")?;
            let name = json!({ "QueueName": format!("{function}-dead-letters") });
            let queue = self.ask("sqs", "AmazonSQS", "GetQueueUrl", name).await?;
            let queue: Value = serde_json::from_str(&queue).context("a queue has an URL")?;
            let (action, document) = if lies {
                ("SendMessage", json!({ "QueueUrl": queue["QueueUrl"], "MessageBody": "{}" }))
            } else {
                ("PurgeQueue", json!({ "QueueUrl": queue["QueueUrl"] }))
            };
            self.ask("sqs", "AmazonSQS", action, document).await.map(drop)
        })
    }

    /// Whether the journal ends with a record that no function can read. It is taken out as the handbook says: a copy of it
    /// aside, and the very last one deleted.
    pub(super) fn poison(&self, is: bool) -> Task<'_> {
        Box::pin(async move {
            let stack = self.scene.stack(self.part);
            let table = self.output(&["journal_table"])?;
            let names = json!({ "#p": "plan", "#s": "seq" });
            let last = json!({
                "TableName": table, "ConsistentRead": true, "ScanIndexForward": false, "Limit": 1,
                "KeyConditionExpression": "#p = :p AND #s > :zero", "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": { ":p": { "S": stack.name }, ":zero": { "N": "0" } },
            });
            let found = self.ask("dynamodb", "DynamoDB_20120810", "Query", last).await?;
            let found: Value = serde_json::from_str(&found)?;
            let last = found.pointer("/Items/0").context("the journal has a record")?;
            let seq = last.pointer("/seq/N").and_then(Value::as_str).context("a record has a number")?;
            let (key, schema) =
                (json!({ "plan": { "S": stack.name }, "seq": { "N": seq } }), last.get("schema"));
            if is {
                let next = (seq.parse::<u64>()? + 1).to_string();
                let mut poison = last.clone();
                (poison["seq"], poison["schema"]) = (json!({ "N": next }), json!({ "N": "99" }));
                let put = json!({ "TableName": table, "Item": poison,
                    "ConditionExpression": "attribute_not_exists(#s)", "ExpressionAttributeNames": { "#s": "seq" } });
                return self.ask("dynamodb", "DynamoDB_20120810", "PutItem", put).await.map(drop);
            }
            ensure!(schema == Some(&json!({ "N": "99" })), "the last record is not the poison: {last}");
            let delete = json!({ "TableName": table, "Key": key, "ReturnValues": "ALL_OLD" });
            let copy = self.ask("dynamodb", "DynamoDB_20120810", "DeleteItem", delete).await?;
            ensure!(copy.contains("\"99\""), "no copy came back: {copy}");
            Ok(())
        })
    }
}
