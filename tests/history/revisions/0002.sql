INSERT INTO run (id, key, started_ms, alive_ms, stopped_ms, cause, version)
VALUES (1, 123456789012345678, 500, 6500, 7000, 'start', '0.2.0');
INSERT INTO equipment (id, code, name, line_id, plc_id)
VALUES (1, 'KRCWO12ELOA101', 'Upper 로봇 용접', 'weld1', 'PLC01');
INSERT INTO state_change (equipment_id, at_ms, run_id, seq, previous, status, reason, tag, value, since_ms, until_ms, detail, tags)
VALUES (1, 800, 1, 1, NULL, 'running', 'running', 'M100', '1', 800, NULL, NULL, '[["status_tag","M100",1,5]]');
INSERT INTO state_change (equipment_id, at_ms, run_id, seq, previous, status, reason, tag, value, since_ms, until_ms, detail, tags)
VALUES (1, 4000, 1, 3, 'running', 'error', 'error_tag', 'M200', '1', 4000, NULL, NULL, '[["status_tag","M100",1,5],["error_tag","M200",1,5]]');
INSERT INTO plc_event (plc_id, at_ms, run_id, seq, link, fault, cause, end_code)
VALUES ('PLC01', 900, 1, 2, 'online', NULL, NULL, NULL);
INSERT INTO server_event (at_ms, run_id, seq, kind, detail)
VALUES (500, 1, 0, 'start', NULL);
INSERT INTO config_version (id, at_ms, run_id, seq, fingerprint, site)
VALUES (1, 500, 1, 4, 'abc', '{"lines":[],"plcs":[],"is_demo":false}');
INSERT INTO alarm (id, revision, kind, source, line_id, name, plc_id, tag, alarm_code, severity, text_ko, text_en, advice_ko, advice_en, state, raised_ms, last_raised_ms, raised_count, cleared_ms, acknowledged_ms, acknowledged_by, shelved_until_ms, changed_ms, comments)
VALUES (4000123, 2, 'equipment', 'KRCWO12ELOA101', 'weld1', 'Upper 로봇 용접', 'PLC01', 'M200', 12, 'high', '도어 열림', 'Door open', '', 'Close it.', 'acknowledged', 4000, 4000, 1, NULL, 5000, 'Kim', NULL, 5000, '[[5000,"Kim","going there"]]');
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text)
VALUES (4000123, 1, 4000, 1, 5, 'raised', 'unacknowledged', NULL, NULL);
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text)
VALUES (4000123, 2, 5000, 1, 6, 'acknowledged', 'acknowledged', 'Kim', 'going there');
