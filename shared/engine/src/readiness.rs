//! Looking whether a failover would work: everything at once, each look bounded in time. What fails or is late is
//! unknown, and holds nothing else up.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use ports::inspection::Inspection;
use ports::{Answer, Clock, Failure, FailureKind, FleetView, Fleets, Lag, Probes, Witnesses};
use protocol::arn::Arn;
use protocol::maintenance::{ParameterPass, SnapshotLook};
use protocol::name::Name;
use protocol::observation::{LagSample, ProbeAnswer, ProbeSeen};
use protocol::plan::{Database, FleetAt, Plan, Route};
use protocol::readiness::Readiness;
use protocol::readiness::copies::{option_groups, source_keys};
use protocol::readiness::facts::RefusedAction;
use protocol::readiness::facts::{
    ReadinessFacts, RouteFacts, Seen, Subscriptions, TargetGroupFacts, TemplateRef, Unseen,
};
use protocol::readiness::keys::keys;
use protocol::readiness::launches::{instance_types, quotas, subnets, volume_keys};
use protocol::readiness::permissions::needs;
use protocol::readiness::replacement::parameter_groups;
use protocol::readiness::routes::balancer;
use protocol::side::{Direction, Side};
use protocol::state::State;
use protocol::witness::Sight;
use protocol::words::function_name;

use crate::log::Log;

/// Longest that a pass looks. What has not answered by then is unknown.
pub const LOOK_MAX: Duration = Duration::from_secs(25);

/// How far back lag samples are asked for.
const LAG_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Calls of one kind under way at once: the pass must not take the services' rate from a step.
const CONCURRENCY: usize = 8;

/// The ports that a pass needs, for one pass.
pub struct Inspector {
    /// What only a readiness pass asks.
    pub inspection: Inspection,
    /// Lag.
    pub lag: Arc<dyn Lag>,
    /// Fleets.
    pub fleets: Arc<dyn Fleets>,
    /// The witness of the own side, if the plan has one.
    pub witnesses: Arc<dyn Witnesses>,
    /// Probes.
    pub probes: Arc<dyn Probes>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// ARN of the topic that commands go to.
    pub commands_topic: String,
    /// When the looks end: [`LOOK_MAX`] after the pass begins.
    pub until: Timestamp,
}

impl Inspector {
    /// Looks at everything that a failover of the plan needs, and judges it. `log` was read to its end, or as far as it can be.
    pub async fn readiness(&self, plan: &Plan, log: &Log) -> Readiness {
        let state = &log.state;
        let mut facts = self.look(plan, state).await;
        self.look_further(plan, state, &mut facts).await;
        self.look_last(plan, state, &mut facts).await;
        facts.journal = Some(log.facts());
        Readiness::of(plan, state, &facts, self.clock.now())
    }

    async fn look(&self, plan: &Plan, state: &State) -> ReadinessFacts {
        let databases: Vec<&Database> = plan.databases.iter().collect();
        let fleets: Vec<FleetAt<'_>> = plan.fleets_at(plan.seat).collect();
        let waiting: Vec<&Database> = databases
            .iter()
            .copied()
            .filter(|database| state.serving(plan, &database.name) != plan.seat)
            .collect();
        let moved: Vec<FleetAt<'_>> =
            fleets.iter().copied().filter(|fleet| state.serving(plan, fleet.name) == plan.seat).collect();
        let Direction { from, to } = plan.direction();
        let see = &self.inspection;
        let items = async {
            futures::join!(
                self.batch(&databases, |database| &database.name, see.replicas.inspect(&databases, to)),
                self.batch(&waiting, |database| &database.name, see.replicas.primaries(&waiting, from)),
                self.lag(&waiting, to),
                self.batch(&fleets, |fleet| fleet.name, see.fleets.groups(&fleets)),
                self.of_items(&fleets, |fleet| fleet.name, |fleet| see.launches.scheduled(&fleet.at.group)),
                self.target_groups(&fleets),
                self.healthy(&moved),
            )
        };
        let (of_items, (routes, endpoint_groups), probes, witnessed, topics, maintenance, release) = futures::join!(
            items,
            self.routes(plan),
            self.ask_all(plan),
            self.ask_witness(plan, &databases),
            self.topics(plan),
            self.maintenance(plan),
            self.within(see.functions.release()),
        );
        let (replicas, primaries, lag, groups, scheduled, target_groups, healthy) = of_items;
        let (parameter_pass, snapshot_look) = maintenance;
        ReadinessFacts {
            replicas,
            primaries,
            lag,
            groups,
            scheduled,
            target_groups,
            healthy,
            routes,
            endpoint_groups,
            probes,
            witnessed,
            topics,
            notices_topic: see.notices_topic.clone(),
            commands_topic: self.commands_topic.clone(),
            parameter_pass,
            snapshot_look,
            release: Some(release),
            ..ReadinessFacts::default()
        }
    }

    /// Looks at what the first look found: the functions of the release, the templates of the groups, the keys.
    async fn look_further(&self, plan: &Plan, state: &State, facts: &mut ReadinessFacts) {
        let functions: Vec<&String> = facts.release.iter().flatten().flat_map(BTreeMap::keys).collect();
        let groups = facts.groups.values().filter_map(|group| group.as_ref().ok()?.as_ref());
        let templates: BTreeSet<&TemplateRef> = groups.flat_map(|group| &group.templates).collect();
        let balancers: BTreeSet<&str> =
            plan.routes.iter().filter_map(|route| balancer(route, plan.seat)).collect();
        let see = &self.inspection;
        let (of_functions, reserved, dead_letters, keys, templates, certificates, attached) = futures::join!(
            self.each(functions.iter().copied(), |name| see.functions.function(name)),
            self.each(functions.iter().copied(), |name| see.functions.reserved(name)),
            self.dead_letters(plan, &functions),
            self.each(keys(plan, facts), |key| see.keys.state(key)),
            self.each(templates, |template| see.templates.template(template)),
            self.each(balancers.iter().copied(), |arn| see.certificates.certificates(arn)),
            self.each(balancers.iter().copied(), |arn| see.balancers.attached(arn)),
        );
        let options = option_groups(plan, state, facts);
        let (read_only, options, free_addresses, default_volume_key) = futures::join!(
            self.each(parameter_groups(facts), |group| see.setups.read_only(group)),
            self.each(&options, |group| see.setups.options(group)),
            self.each(subnets(facts), |subnet| see.launches.free_addresses(subnet)),
            self.within(see.launches.default_volume_key()),
        );
        (facts.functions, facts.reserved) = (of_functions, reserved);
        (facts.dead_letters, facts.keys) = (dead_letters, keys);
        (facts.templates, facts.certificates, facts.attached) = (templates, certificates, attached);
        (facts.read_only, facts.options, facts.free_addresses) = (read_only, options, free_addresses);
        facts.default_volume_key = Some(default_volume_key);
    }

    /// Looks at what the templates name, and asks IAM.
    async fn look_last(&self, plan: &Plan, state: &State, facts: &mut ReadinessFacts) {
        let see = &self.inspection;
        let types = instance_types(facts);
        let keys: BTreeSet<String> =
            volume_keys(facts).into_iter().chain(source_keys(plan, state, facts)).collect();
        let (offerings, vcpus, quotas, key_rights, refused) = futures::join!(
            self.each(&types, |named| see.launches.zones(named)),
            self.each(&types, |named| see.launches.vcpus(named)),
            self.each(quotas(facts), |code| see.launches.quota(code)),
            self.each(&keys, |key| see.keys.rights(key)),
            self.refused(plan, state, facts),
        );
        (facts.offerings, facts.vcpus, facts.quotas) = (offerings, vcpus, quotas);
        (facts.key_rights, facts.refused) = (key_rights, refused);
    }

    /// Each function has a queue of its own.
    async fn dead_letters(&self, plan: &Plan, functions: &[&String]) -> BTreeMap<String, Seen<Option<u64>>> {
        let queues: Vec<String> = functions.iter().map(|name| format!("{name}-dead-letters")).collect();
        let queues = queues.iter().map(String::as_str);
        self.each(queues, |queue| self.inspection.queues.messages(&plan.own().account, queue)).await
    }

    /// What the functions are not allowed of what a failover asks of them, by action.
    async fn refused(
        &self,
        plan: &Plan,
        state: &State,
        facts: &ReadinessFacts,
    ) -> BTreeMap<String, Seen<Vec<RefusedAction>>> {
        let calls: Vec<_> = needs(plan, state, facts)
            .into_iter()
            .map(|need| async move {
                let name = function_name(plan, need.function);
                let seen = if let Some(Ok(Some(function))) = facts.functions.get(&name) {
                    self.within(self.inspection.permissions.refused(&function.role, &need)).await
                } else {
                    let why = format!("{name} could not be read, so its role is unknown.");
                    Err(Unseen::new(why, "See functions_released."))
                };
                (need.action.to_owned(), seen)
            })
            .collect();
        all(calls).await
    }

    /// One call for each thing.
    async fn each<'t, K, T, V, C>(
        &self,
        things: impl IntoIterator<Item = &'t T>,
        call: impl Fn(&'t T) -> C,
    ) -> BTreeMap<K, Seen<V>>
    where
        T: ToOwned<Owned = K> + ?Sized + 't,
        K: Ord,
        C: Future<Output = Answer<V>>,
    {
        let calls: Vec<_> = things
            .into_iter()
            .map(|thing| {
                let look = call(thing);
                async move { (thing.to_owned(), self.within(look).await) }
            })
            .collect();
        all(calls).await
    }

    /// One call for each item, by its name.
    async fn of_items<I, V, C>(
        &self,
        items: &[I],
        name: impl Fn(&I) -> &Name,
        call: impl Fn(I) -> C,
    ) -> BTreeMap<Name, Seen<V>>
    where
        I: Copy,
        C: Future<Output = Answer<V>>,
    {
        let calls: Vec<_> = items
            .iter()
            .map(|item| {
                let (name, look) = (name(item).clone(), call(*item));
                async move { (name, self.within(look).await) }
            })
            .collect();
        all(calls).await
    }

    /// What the scheduled jobs last found, of those that the plan has.
    async fn maintenance(
        &self,
        plan: &Plan,
    ) -> (Option<Seen<Option<ParameterPass>>>, Option<Seen<Option<SnapshotLook>>>) {
        let maintenance = &self.inspection.maintenance;
        let parameters = async {
            plan.parameters.as_ref()?;
            Some(self.within(maintenance.load_parameter_pass(&plan.name)).await)
        };
        let snapshots = async {
            plan.snapshots.as_ref()?;
            Some(self.within(maintenance.load_snapshot_look(&plan.name)).await)
        };
        futures::join!(parameters, snapshots)
    }

    /// One call for all items: it is seen of all or of none.
    async fn batch<I, T>(
        &self,
        items: &[I],
        name: impl Fn(&I) -> &Name,
        call: impl Future<Output = Answer<Vec<T>>>,
    ) -> BTreeMap<Name, Seen<T>> {
        if items.is_empty() {
            return BTreeMap::new();
        }
        let names = items.iter().map(|item| name(item).clone());
        match self.within(call).await {
            Ok(seen) => names.zip(seen.into_iter().map(Ok)).collect(),
            Err(unseen) => names.map(|name| (name, Err(unseen.clone()))).collect(),
        }
    }

    async fn lag(&self, databases: &[&Database], side: Side) -> BTreeMap<Name, Seen<Option<LagSample>>> {
        let since = self.clock.now().checked_sub(LAG_WINDOW).unwrap_or(Timestamp::MIN);
        let calls: Vec<_> = databases
            .iter()
            .map(|database| async move {
                let samples = self.within(self.lag.samples(database, side, since)).await;
                let newest = samples.map(|samples| samples.into_iter().max_by_key(|sample| sample.at));
                (database.name.clone(), newest)
            })
            .collect();
        all(calls).await
    }

    async fn target_groups(
        &self,
        fleets: &[FleetAt<'_>],
    ) -> BTreeMap<String, Seen<Option<TargetGroupFacts>>> {
        let arns: BTreeSet<&String> = fleets.iter().flat_map(|fleet| &fleet.target_groups).collect();
        let calls: Vec<_> =
            arns.into_iter()
                .map(|arn| async move {
                    (arn.clone(), self.within(self.inspection.fleets.target_group(arn)).await)
                })
                .collect();
        all(calls).await
    }

    async fn healthy(&self, moved: &[FleetAt<'_>]) -> BTreeMap<Name, Seen<u32>> {
        let views = self.batch(moved, |fleet| fleet.name, self.fleets.look(moved)).await;
        let healthy = |view: FleetView| match view {
            FleetView::Group { healthy_targets, .. } => healthy_targets,
            FleetView::Missing => 0,
        };
        views.into_iter().map(|(name, view)| (name, view.map(healthy))).collect()
    }

    /// The routes, and how many endpoint groups there are behind each.
    async fn routes(&self, plan: &Plan) -> (BTreeMap<Name, Seen<RouteFacts>>, BTreeMap<Name, Seen<u32>>) {
        let routes: Vec<&Route> = plan.routes.iter().collect();
        let see = &self.inspection.routes;
        futures::join!(
            self.of_items(&routes, |route| &route.name, |route| see.inspect(route)),
            self.of_items(&routes, |route| &route.name, |route| see.endpoint_groups(route, plan.seat)),
        )
    }

    async fn ask_all(&self, plan: &Plan) -> Vec<ProbeSeen> {
        let calls: Vec<_> = plan
            .watched()
            .probes
            .iter()
            .map(|probe| async move {
                let asked = self.within(async { Ok(self.probes.ask(probe).await) }).await;
                let answer = asked.unwrap_or_else(|unseen| ProbeAnswer::Unknown { detail: unseen.why });
                ProbeSeen { name: probe.name().clone(), answer }
            })
            .collect();
        stream::iter(calls).buffered(CONCURRENCY).collect().await
    }

    async fn ask_witness(&self, plan: &Plan, databases: &[&Database]) -> BTreeMap<Name, Seen<Sight>> {
        let Some((function, command)) = plan.question_to_witness(plan.seat, databases) else {
            return BTreeMap::new();
        };
        match self.within(self.witnesses.look(function, &command)).await {
            Ok(witnessed) => witnessed.into_iter().map(|seen| (seen.name, Ok(seen.sight))).collect(),
            Err(unseen) => {
                let reached = databases.iter().filter(|database| database.connection(plan.seat).is_some());
                reached.map(|database| (database.name.clone(), Err(unseen.clone()))).collect()
            }
        }
    }

    async fn topics(&self, plan: &Plan) -> BTreeMap<String, Seen<Option<Subscriptions>>> {
        let own = |topic: &&String| Arn::parse(topic).is_some_and(|arn| arn.region == plan.own().region);
        let signals = plan.detection.topics.iter().filter(own);
        let topics: BTreeSet<&String> =
            signals.chain([&self.commands_topic, &self.inspection.notices_topic]).collect();
        let calls: Vec<_> = topics
            .into_iter()
            .map(|topic| async move {
                (topic.clone(), self.within(self.inspection.topics.subscriptions(topic)).await)
            })
            .collect();
        all(calls).await
    }

    /// Waits for an answer, but not for longer than the pass may look.
    async fn within<T>(&self, call: impl Future<Output = Answer<T>>) -> Seen<T> {
        let left = self.until.duration_since(self.clock.now());
        let (call, time) = (pin!(call), self.clock.sleep(left.try_into().unwrap_or(Duration::ZERO)));
        match select(call, time).await {
            Either::Left((answer, _)) => answer.map_err(|failure| unseen(&failure)),
            Either::Right(_) => {
                let why = format!("There was no answer within {} s.", LOOK_MAX.as_secs());
                Err(Unseen::new(why, AGAIN))
            }
        }
    }
}

const AGAIN: &str = "The next pass checks it again. To check now, run the command readiness.";

async fn all<K: Ord, V>(calls: Vec<impl Future<Output = (K, V)>>) -> BTreeMap<K, V> {
    stream::iter(calls).buffer_unordered(CONCURRENCY).collect().await
}

/// Why a look failed, and what helps.
fn unseen(failure: &Failure) -> Unseen {
    let why = format!("It could not be checked: {}.", failure.to_string().trim_end_matches('.'));
    match failure.kind {
        FailureKind::Denied => {
            let remedy = format!(
                "Apply the orchestrator module again: the function's role may not call {}.",
                failure.action
            );
            Unseen::new(why, remedy)
        }
        FailureKind::Missing | FailureKind::Invalid => {
            Unseen::new(why, "Correct its entry in the plan, or create it again.")
        }
        _ => Unseen::new(why, AGAIN),
    }
}
