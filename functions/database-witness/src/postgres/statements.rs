//! What does the witness say in SQL? These statements, without parameters, and nothing else.
//!
//! `infra/modules/database-witness/grants.sql.tftpl` makes what they need. Everything outside `pilotlight` is found in
//! `pg_catalog`, which every search path begins with.

/// All that a look wants, in one statement.
///
/// Whether the server is a replica is asked once: it may be promoted meanwhile, and then the functions of a replica answer with
/// what it replayed last. Heartbeats are read by a snapshot that is older than the positions, so they never seem newer.
///
/// Sessions are those of clients: neither the witness's own nor RDS's. Nobody sees those of others without `pg_read_all_stats`.
pub(super) const LOOK: &str = "
WITH server AS MATERIALIZED (
    SELECT clock_timestamp() AS at, pg_is_in_recovery() AS is_replica
)
SELECT
    server.at,
    server.is_replica,
    NOT server.is_replica AND current_setting('transaction_read_only') = 'off' AS is_writable,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_see_sessions,
    heartbeat.sequence,
    heartbeat.beat_at,
    CASE WHEN server.is_replica THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END AS position,
    CASE WHEN server.is_replica THEN pg_last_wal_receive_lsn() END AS received,
    CASE WHEN server.is_replica THEN pg_last_xact_replay_timestamp() END AS committed_at,
    receiver.status = 'streaming' AS is_streaming,
    receiver.last_msg_receipt_time AS heard_at,
    (
        SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND usename NOT IN (current_user, 'rdsadmin')
    ) AS sessions
FROM server
LEFT JOIN pilotlight.heartbeat AS heartbeat ON heartbeat.beat_at IS NOT NULL
LEFT JOIN pg_stat_wal_receiver AS receiver ON server.is_replica
";

/// Whether the server takes writes now.
pub(super) const IS_WRITABLE: &str = "
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS is_writable
";

/// One heartbeat. It counts up in the row itself, so that two witnesses at once count up together, and commits as the server is
/// set to commit.
pub(super) const BEAT: &str = "
UPDATE pilotlight.heartbeat SET sequence = sequence + 1, beat_at = clock_timestamp() RETURNING sequence
";
