/* shim/pgturret--1.0.sql */

\echo Use "CREATE EXTENSION pgturret" to load this file. \quit

CREATE FUNCTION pgturret_stat(
	OUT emitted bigint,
	OUT delivered bigint,
	OUT acknowledged bigint,
	OUT held bigint,
	OUT dropped bigint,
	OUT ring_size bigint,
	OUT ring_used bigint,
	OUT ring_high_water bigint,
	OUT connected boolean,
	OUT connected_since timestamptz,
	OUT connects bigint,
	OUT last_error text,
	OUT boot_id bigint,
	OUT next_seq bigint,
	OUT protocol_version integer)
AS 'MODULE_PATHNAME', 'pgturret_stat'
LANGUAGE C STRICT VOLATILE PARALLEL SAFE;

CREATE FUNCTION pgturret_stat_severity(
	OUT severity text,
	OUT emitted bigint,
	OUT acknowledged bigint,
	OUT held bigint,
	OUT dropped bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgturret_stat_severity'
LANGUAGE C STRICT VOLATILE PARALLEL SAFE;

CREATE VIEW pgturret_stat AS
	SELECT * FROM pgturret_stat();

CREATE VIEW pgturret_stat_severity AS
	SELECT * FROM pgturret_stat_severity();

REVOKE ALL ON FUNCTION pgturret_stat() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgturret_stat_severity() FROM PUBLIC;
REVOKE ALL ON pgturret_stat, pgturret_stat_severity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgturret_stat() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pgturret_stat_severity() TO pg_monitor;
GRANT SELECT ON pgturret_stat, pgturret_stat_severity TO pg_monitor;
