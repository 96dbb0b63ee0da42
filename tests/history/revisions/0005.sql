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
INSERT INTO planned_downtime (id, line_id, equipment_code, begin_ms, end_ms, comment, made_by, made_ms, deleted_ms)
VALUES (1, 'weld1', NULL, 1000, 2000, '금형 교체', '김', 900, NULL);
INSERT INTO stop_mark (equipment_code, at_ms, kind)
VALUES ('KRCWO12ELOA101', 5000, 'split');
INSERT INTO stop_reason (equipment_code, at_ms, reason, comment, made_by, made_ms)
VALUES ('KRCWO12ELOA101', 4000, 'E10', '센서', '박', 8000);
INSERT INTO audit (id, at_ms, made_by, action, subject, before, after)
VALUES (1, 8000, '박', 'stop.reason', 'KRCWO12ELOA101@4000', NULL, '{"reason":"E10"}');
INSERT INTO alarm (id, revision, kind, source, line_id, name, plc_id, tag, alarm_code, severity, text_ko, text_en, advice_ko, advice_en, state, raised_ms, last_raised_ms, raised_count, cleared_ms, acknowledged_ms, acknowledged_by, shelved_until_ms, changed_ms, comments)
VALUES (4000123, 5, 'equipment', 'KRCWO12ELOA101', 'weld1', 'Upper 로봇 용접', 'PLC01', 'M200', 12, 'high', '도어 열림', 'Door open', '', 'Close it.', 'normal', 4000, 4000, 1, 6000, NULL, NULL, NULL, 7000, '[[5000,"Kim","no longer configured"]]');
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text, note)
VALUES (4000123, 1, 4000, 1, 5, 'raised', 'unacknowledged', NULL, NULL, 'comes_and_goes');
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text, note)
VALUES (4000123, 2, 4500, 1, 6, 'code_seen', 'unacknowledged', NULL, NULL, NULL);
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text, note)
VALUES (4000123, 3, 5000, 1, 7, 'commented', 'unacknowledged', 'Kim', 'no longer configured', NULL);
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text, note)
VALUES (4000123, 4, 6000, 1, 8, 'cleared', 'returned_unacknowledged', NULL, NULL, 'not_watched');
INSERT INTO alarm_event (alarm_id, number, at_ms, run_id, seq, kind, state, person, text, note)
VALUES (4000123, 5, 7000, 1, 9, 'superseded', 'normal', NULL, NULL, 'too_many');
INSERT INTO recorder (id, holder, shown, until_ms) VALUES (1, 'a1b2', 'plant-server', 5000);
