"""Every minute of every device of a whole port, through Kafka and a worker, is judged by its SLA profile."""

from tests.support.system import System


def test_every_minute_of_a_whole_port_is_judged_by_what_is_asked_of_its_device(system: System) -> None:
    done = system.command("simulate", "--seed", "11", "--duration", "10m", "--faults", "lateness,duplicates")
    assert done.returncode == 0, done.stderr
    worker = system.workers.start("--until-caught-up")
    assert worker.ended(90) == 0, worker.log()
    minutes = "SELECT device_id, bucket, samples FROM port.radio_minute ORDER BY 1, 2"
    judged = "SELECT DISTINCT device_id, bucket, samples FROM port.sla_minute WHERE profile !~ '^5qi' ORDER BY 1, 2"
    assert system.database.rows(judged) == system.database.rows(minutes)
    # Worked out by the database from the raw rows: mobile robots, where the survival time of 50 ms of a reading every
    # 0.5 s is a loss of a tenth, which the simulator never plays.
    bad = """
        SELECT s.device_id, s.bucket FROM port.sla_minute AS s
        JOIN (
            SELECT device_id, time_bucket('1 minute', time) AS bucket, count(*) AS n,
                   count(*) FILTER (WHERE rtt_ms > CASE WHEN handover THEN 150 ELSE 100 END) AS bad
            FROM port.radio_sample GROUP BY 1, 2
        ) AS r USING (device_id, bucket)
        WHERE s.profile = 'mobile-robot-control'
            AND (s.good, s.bad, s.state) IS DISTINCT FROM (r.n - r.bad, r.bad, CASE
                WHEN r.n < 10 THEN 'unknown' WHEN r.bad > 0.01 * r.n THEN 'out' ELSE 'in' END)
    """
    assert system.database.rows(bad) == []
    assert system.database.total("port.sla_minute", "profile = 'mobile-robot-control'") > 100
