BEGIN TRANSACTION;
CREATE TABLE alarms (
        key       TEXT PRIMARY KEY,
        message   TEXT NOT NULL,
        raised_at REAL NOT NULL,
        last_at   REAL NOT NULL,
        times     INTEGER NOT NULL DEFAULT 1
    );
INSERT INTO "alarms" VALUES('archive','archive: no space left',1795000026.0,1795000026.0,1);
CREATE TABLE archive_records (
        path        TEXT PRIMARY KEY,
        size_bytes  INTEGER NOT NULL,
        sha256      TEXT NOT NULL,
        recorded_at REAL NOT NULL
    );
INSERT INTO "archive_records" VALUES('meyer/box-3/r12/metadata/events.jsonl',512,'0000000000000000000000000000000000000000000000000000000000000007',1795000030.0);
CREATE TABLE candidates (
        candidate_id INTEGER PRIMARY KEY,
        watch        TEXT NOT NULL,
        path         TEXT NOT NULL,
        size_bytes   INTEGER NOT NULL,
        mtime_ns     INTEGER NOT NULL,
        state        TEXT NOT NULL CHECK (state IN ('seen', 'settling', 'complete', 'wait_pair', 'claimed', 'stored',
                                                    'released', 'duplicate', 'ambiguous', 'quarantined')),
        reason       TEXT,
        in_place     INTEGER NOT NULL DEFAULT 1 CHECK (in_place IN (0, 1)),
        job_id       INTEGER REFERENCES frames ON DELETE SET NULL,
        retries      INTEGER NOT NULL DEFAULT 0,
        not_before   REAL NOT NULL DEFAULT 0,
        seen_at      REAL NOT NULL,
        changed_at   REAL NOT NULL
    , name_key TEXT NOT NULL DEFAULT '');
INSERT INTO "candidates" VALUES(1,'drop','6.tif',1006,1795000000000000000,'claimed',NULL,1,6,0,0.0,1795000019.0,1795000023.0,'6.tif');
INSERT INTO "candidates" VALUES(2,'drop','7.tif',1007,1795000000000000001,'quarantined','7.tif: the file ends too early',1,NULL,0,0.0,1795000024.0,1795000025.0,'7.tif');
CREATE TABLE frames (
        job_id        INTEGER PRIMARY KEY,
        collection    TEXT NOT NULL,
        box           TEXT NOT NULL,
        roll          TEXT NOT NULL,
        number        INTEGER NOT NULL CHECK (number > 0),
        state         TEXT NOT NULL CHECK (state IN ('reserved', 'queued', 'processing', 'finished')),
        outcome       TEXT CHECK (outcome IN ('archived', 'failed', 'set_aside')),
        request       TEXT NOT NULL DEFAULT '{}',
        source        TEXT NOT NULL,
        deaths        INTEGER NOT NULL DEFAULT 0,
        interruptions INTEGER NOT NULL DEFAULT 0,
        retries       INTEGER NOT NULL DEFAULT 0,
        not_before    REAL NOT NULL DEFAULT 0,
        lease_owner   TEXT,
        lease_pid     INTEGER,
        lease_born    INTEGER,
        lease_until   REAL,
        taken_at      REAL,
        error         TEXT,
        result        TEXT,
        created_at    REAL NOT NULL,
        finished_at   REAL,
        UNIQUE (collection, box, roll, number),
        CHECK ((outcome IS NOT NULL) = (state = 'finished')),
        CHECK ((lease_owner IS NOT NULL) = (state = 'processing'))
    );
INSERT INTO "frames" VALUES(1,'meyer','box-3','r12',1,'finished','archived','{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null, "flags": ["pair_timeout"], "awaits_infrared": true, "originals": [{"role": "raw", "name": "r12_0001_raw.tif", "size_bytes": 1001, "sha256": "0000000000000000000000000000000000000000000000000000000000000001", "sha512": "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001", "original_name": "1.tif"}]}','1.tif',0,0,0,0.0,NULL,NULL,NULL,NULL,1652.257470396,NULL,'{"revision": 1, "created": true, "outcome": "cleaned", "warnings": [], "seconds": {"clean": 0.3413, "preview": 0.0054, "read": 0.0014, "store": 0.0113, "write_access": 0.0082, "write_clean": 0.0071, "write_mask": 0.0095, "total": 0.5}, "report": {"coverage": 0.01273148148148148, "defects_divided": 2, "defects_filled": 0, "defects_found": 11, "defects_inpainted": 0, "defects_left": 9, "holder_fraction": 0.0, "leakage": {"blue": 0.0, "curvature": 0.0, "explained": 0.0, "green": 0.0, "red": 0.0}, "method": "infrared", "models": {"detector": "ec6a6f588a1d236f73d6d16e6d473add1c835c025bd6befe16360c861e791162"}, "noise": 0.0034234640188515186, "probability_threshold": 0.0, "sensitivity": 0.5, "shift": {"blur_px": 1.1319231422671772, "cols_px": 0.0, "confidence": 1.0, "row_drift_px": 0.0, "rows_px": 0.0, "scale": 1.0}, "step_seconds": {"base": 0.012398874999917098, "detection": 0.012474618999931408, "detector": 0.011124904999860519, "focus": 0.12834273899989057, "healing": 0.11595689299997503, "holder": 0.0004368780000731931, "leakage": 0.0008014150000690279, "levels": 0.0005807309998999699, "noise": 0.0024412509999365284, "photometry": 0.007293665999895893, "registration": 0.0013982299999497627, "residual": 0.00031790999992153957, "tiles": 0.00020921600003021013}, "threshold": 0.014964957721531391, "warnings": []}}',1795000001.0,1795000003.0);
INSERT INTO "frames" VALUES(2,'meyer','box-3','r12',2,'finished','failed','{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null, "flags": [], "awaits_infrared": false, "originals": [{"role": "raw", "name": "r12_0002_raw.tif", "size_bytes": 1002, "sha256": "0000000000000000000000000000000000000000000000000000000000000002", "sha512": "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002", "original_name": "2.tif"}]}','2.tif',0,0,0,0.0,NULL,NULL,NULL,NULL,1652.259009172,'NotAFilmScanError: 2.tif: no picture',NULL,1795000004.0,1795000006.0);
INSERT INTO "frames" VALUES(3,'meyer','box-3','r12',3,'finished','set_aside','{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null, "flags": [], "awaits_infrared": false, "originals": [{"role": "raw", "name": "r12_0003_raw.tif", "size_bytes": 1003, "sha256": "0000000000000000000000000000000000000000000000000000000000000003", "sha512": "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000003", "original_name": "3.tif"}]}','3.tif',3,0,0,0.0,NULL,NULL,NULL,NULL,1652.261714447,'its worker was killed by SIGKILL',NULL,1795000007.0,1795000013.0);
INSERT INTO "frames" VALUES(4,'meyer','box-3','r12',4,'queued',NULL,'{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null, "flags": [], "awaits_infrared": false, "originals": [{"role": "raw", "name": "r12_0004_raw.tif", "size_bytes": 1004, "sha256": "0000000000000000000000000000000000000000000000000000000000000004", "sha512": "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000004", "original_name": "4.tif"}]}','4.tif',0,0,1,1795000216.0,NULL,NULL,NULL,NULL,1652.263222232,'archive: no space left',NULL,1795000014.0,NULL);
INSERT INTO "frames" VALUES(5,'meyer','box-3','r12',5,'processing',NULL,'{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null, "flags": [], "awaits_infrared": false, "originals": [{"role": "raw", "name": "r12_0005_raw.tif", "size_bytes": 1005, "sha256": "0000000000000000000000000000000000000000000000000000000000000005", "sha512": "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005", "original_name": "5.tif"}]}','5.tif',0,0,0,0.0,'a0b1c2',4242,99,1000.5,940.5,NULL,NULL,1795000017.0,NULL);
INSERT INTO "frames" VALUES(6,'meyer','box-3','r12',6,'reserved',NULL,'{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null, "flags": [], "awaits_infrared": false}','6.tif',0,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795000022.0,NULL);
INSERT INTO "frames" VALUES(7,'meyer','box-3','mag2',1,'queued',NULL,'{"film":"slide","sensitivity":0.5,"fourth_sample_is_infrared":null,"flags":["slide_unchanged"],"captured":{"rows":48,"cols":72,"layout":"sane_coolscan3","bits_per_sample":14,"resolution_dpi":4000.0,"linear":true,"make":"Nikon","model":"Virtual LS-5000 ED","software":"SANE coolscan3","captured_at":"2026-11-20T09:30:00Z","infrared_origin":"fourth_sample","infrared_red_correlation":null,"icc_profile_sha256":null,"flags":["counts_within_14_bits"],"scanned":true},"originals":[{"role":"raw","name":"mag2_0001_raw.tif","size_bytes":9,"sha256":"8888888888888888888888888888888888888888888888888888888888888888","sha512":"88888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888888","original_name":null}]}','scanner net:scanhost:coolscan3:usb:001:004',0,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795000030.0,NULL);
INSERT INTO "frames" VALUES(8,'meyer','box-3','mag2',3,'reserved',NULL,'{"film": "slide", "sensitivity": 0.5, "fourth_sample_is_infrared": null}','scanner net:scanhost:coolscan3:usb:001:004',0,0,0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795000032.0,NULL);
CREATE TABLE identity (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        archive_id TEXT NOT NULL,
        station_id TEXT NOT NULL,
        replaces   TEXT,
        made_at    TEXT NOT NULL,
        settled    INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1))
    );
INSERT INTO "identity" VALUES(1,'5f0c1c59-0000-4000-8000-000000000001','5f0c1c59-0000-4000-8000-000000000002',NULL,'2026-11-18T10:00:00+00:00',1);
CREATE TABLE notify_targets (
        target   TEXT PRIMARY KEY,
        known_at REAL NOT NULL
    );
INSERT INTO "notify_targets" VALUES('webhook hooks.example.org',1795000033.0);
CREATE TABLE roll_names (
        collection TEXT NOT NULL,
        box        TEXT NOT NULL,
        roll       TEXT NOT NULL,
        name       TEXT NOT NULL,
        name_key   TEXT NOT NULL,
        PRIMARY KEY (collection, box, name_key),
        UNIQUE (collection, box, roll)
    );
INSERT INTO "roll_names" VALUES('meyer','box-3','r12','R12','r12');
CREATE TABLE service (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        pid        INTEGER NOT NULL,
        born       INTEGER NOT NULL,
        started_at REAL NOT NULL
    );
INSERT INTO "service" VALUES(1,4241,98,1795000000.0);
CREATE TABLE session_frames (
        session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        position   INTEGER NOT NULL CHECK (position > 0),
        number     INTEGER NOT NULL,
        taken      TEXT NOT NULL CHECK (taken IN ('reserved', 'captured', 'lost')),
        job_id     INTEGER UNIQUE REFERENCES frames ON DELETE SET NULL,
        flags      TEXT NOT NULL DEFAULT '',
        error      TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (session_id, position)
    );
INSERT INTO "session_frames" VALUES(1,1,1,'captured',7,'slide_unchanged','');
INSERT INTO "session_frames" VALUES(1,2,2,'lost',NULL,'','the scanner fed the slide and delivered nothing');
INSERT INTO "session_frames" VALUES(1,3,3,'reserved',8,'','');
CREATE TABLE sessions (
        session_id  INTEGER PRIMARY KEY,
        plan        TEXT NOT NULL,
        state       TEXT NOT NULL CHECK (state IN ('idle', 'warming', 'scanning', 'paused', 'attention', 'finished')),
        reason      TEXT CHECK (reason IN ('complete', 'magazine_empty', 'cancelled', 'failed')),
        message     TEXT NOT NULL DEFAULT '',
        advice      TEXT NOT NULL DEFAULT '',
        wish        TEXT CHECK (wish IN ('pause', 'resume', 'cancel')),
        fraction    REAL NOT NULL DEFAULT 0,
        created_at  REAL NOT NULL,
        changed_at  REAL NOT NULL,
        finished_at REAL, skip INTEGER NOT NULL DEFAULT 0 CHECK (skip IN (0, 1)),
        CHECK ((reason IS NOT NULL) = (state = 'finished'))
    );
INSERT INTO "sessions" VALUES(1,'{"collection":"meyer","box":"box-3","roll":"mag2","first_number":1,"frames":3,"film":"slide","scanner":{"resolution_dpi":null,"depth_bits":16,"samples":1,"infrared":true,"autofocus":true,"autoexposure":false},"device":"net:scanhost:coolscan3:usb:001:004","operator":"jo","sensitivity":0.5}','scanning',NULL,'','',NULL,0.0,1795000027.0,1795000029.0,NULL,0);
INSERT INTO "sessions" VALUES(2,'{"collection":"meyer","box":"box-3","roll":"mag2","first_number":1,"frames":3,"film":"slide","scanner":{"resolution_dpi":null,"depth_bits":16,"samples":1,"infrared":true,"autofocus":true,"autoexposure":false},"device":"net:scanhost:coolscan3:usb:001:004","operator":"jo","sensitivity":0.5}','finished','complete','','',NULL,0.0,1795000035.0,1795000037.0,1795000037.0,0);
CREATE TABLE sources (
        job_id     INTEGER NOT NULL REFERENCES frames ON DELETE CASCADE,
        role       TEXT NOT NULL CHECK (role IN ('raw', 'infrared')),
        sha256     TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        name       TEXT NOT NULL,
        PRIMARY KEY (job_id, role)
    );
INSERT INTO "sources" VALUES(1,'raw','0000000000000000000000000000000000000000000000000000000000000001',1001,'1.tif');
INSERT INTO "sources" VALUES(2,'raw','0000000000000000000000000000000000000000000000000000000000000002',1002,'2.tif');
INSERT INTO "sources" VALUES(3,'raw','0000000000000000000000000000000000000000000000000000000000000003',1003,'3.tif');
INSERT INTO "sources" VALUES(4,'raw','0000000000000000000000000000000000000000000000000000000000000004',1004,'4.tif');
INSERT INTO "sources" VALUES(5,'raw','0000000000000000000000000000000000000000000000000000000000000005',1005,'5.tif');
INSERT INTO "sources" VALUES(6,'raw','0000000000000000000000000000000000000000000000000000000000000006',1006,'6.tif');
INSERT INTO "sources" VALUES(7,'raw','8888888888888888888888888888888888888888888888888888888888888888',9,'mag2_0001_raw.tif');
CREATE TABLE told_alarms (
        target    TEXT NOT NULL REFERENCES notify_targets ON DELETE CASCADE,
        key       TEXT NOT NULL,
        message   TEXT NOT NULL,
        raised_at REAL NOT NULL,
        told_at   REAL NOT NULL,
        times     INTEGER NOT NULL DEFAULT 1,
        standing  INTEGER NOT NULL CHECK (standing IN (0, 1)),
        PRIMARY KEY (target, key)
    );
INSERT INTO "told_alarms" VALUES('webhook hooks.example.org','archive','archive: no space left',1795000026.0,1795000034.0,1,1);
CREATE TABLE told_sessions (
        target     TEXT NOT NULL REFERENCES notify_targets ON DELETE CASCADE,
        session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        PRIMARY KEY (target, session_id)
    );
INSERT INTO "told_sessions" VALUES('webhook hooks.example.org',2);
CREATE INDEX frames_by_state ON frames (state, deaths, interruptions, job_id);
CREATE UNIQUE INDEX picture_once ON sources (sha256) WHERE role = 'raw';
CREATE UNIQUE INDEX dealt_with_once ON candidates (watch, path, size_bytes, mtime_ns) WHERE in_place;
CREATE UNIQUE INDEX one_arrival ON candidates (watch, path)
        WHERE state IN ('seen', 'settling', 'complete', 'wait_pair', 'claimed');
CREATE INDEX candidates_by_state ON candidates (watch, state);
CREATE INDEX sessions_by_state ON sessions (state);
CREATE INDEX candidates_by_name ON candidates (watch, name_key);
CREATE INDEX candidates_by_time ON candidates (seen_at);
PRAGMA user_version = 8;
COMMIT;
