"""The migrations of the database's schema, one for each schema number."""

from __future__ import annotations

# One entry for each schema number. An entry that has been released is never edited; a new one is appended.
MIGRATIONS = (
    """
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
    CREATE INDEX frames_by_state ON frames (state, deaths, interruptions, job_id);

    CREATE TABLE sources (
        job_id     INTEGER NOT NULL REFERENCES frames ON DELETE CASCADE,
        role       TEXT NOT NULL CHECK (role IN ('raw', 'infrared')),
        sha256     TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        name       TEXT NOT NULL,
        PRIMARY KEY (job_id, role)
    );
    -- Two blank infrared planes may well be equal; two pictures are not.
    CREATE UNIQUE INDEX picture_once ON sources (sha256) WHERE role = 'raw';

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
    );
    -- Once a file was moved away, the same file may come again.
    CREATE UNIQUE INDEX dealt_with_once ON candidates (watch, path, size_bytes, mtime_ns) WHERE in_place;
    -- A file that is still growing is one candidate, not one for each size it has had.
    CREATE UNIQUE INDEX one_arrival ON candidates (watch, path)
        WHERE state IN ('seen', 'settling', 'complete', 'wait_pair', 'claimed');
    CREATE INDEX candidates_by_state ON candidates (watch, state);

    CREATE TABLE alarms (
        key       TEXT PRIMARY KEY,
        message   TEXT NOT NULL,
        raised_at REAL NOT NULL,
        last_at   REAL NOT NULL,
        times     INTEGER NOT NULL DEFAULT 1
    );

    CREATE TABLE service (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        pid        INTEGER NOT NULL,
        born       INTEGER NOT NULL,
        started_at REAL NOT NULL
    );
    """,
    """
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
        finished_at REAL,
        CHECK ((reason IS NOT NULL) = (state = 'finished'))
    );
    CREATE INDEX sessions_by_state ON sessions (state);

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
    """,
    # Only scanned frames had a record of their capture in the request, and it did not say so.
    """
    UPDATE frames SET request = json_set(request, '$.captured.scanned', json('true'))
        WHERE json_type(request, '$.captured') = 'object';
    """,
    # A person may tell a halted session to go on without the slide that halted it.
    """
    ALTER TABLE sessions ADD COLUMN skip INTEGER NOT NULL DEFAULT 0 CHECK (skip IN (0, 1));
    """,
    # Names are compared by a key that SQLite's lower() cannot make: it knows the letters of ASCII only.
    """
    ALTER TABLE candidates ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
    UPDATE candidates SET name_key = name_key(path);
    CREATE INDEX candidates_by_name ON candidates (watch, name_key);
    CREATE TABLE roll_names (
        collection TEXT NOT NULL,
        box        TEXT NOT NULL,
        roll       TEXT NOT NULL,
        name       TEXT NOT NULL,
        name_key   TEXT NOT NULL,
        PRIMARY KEY (collection, box, name_key),
        UNIQUE (collection, box, roll)
    );
    """,
    # See `filmscand.daemon.database.archive_records`.
    """
    CREATE TABLE archive_records (
        path        TEXT PRIMARY KEY,
        size_bytes  INTEGER NOT NULL,
        sha256      TEXT NOT NULL,
        recorded_at REAL NOT NULL
    );
    """,
    # The ids of the archive's marker. `replaces`: station id that the marker has until `settled` is 1.
    """
    CREATE TABLE identity (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        archive_id TEXT NOT NULL,
        station_id TEXT NOT NULL,
        replaces   TEXT,
        made_at    TEXT NOT NULL,
        settled    INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1))
    );
    """,
    # What each target of notifications was told; see `filmscand.daemon.database.alarms.ToldAlarm`. The index is for the
    # files of the last day, which the notifications look at every few seconds.
    """
    CREATE INDEX candidates_by_time ON candidates (seen_at);
    CREATE TABLE notify_targets (
        target   TEXT PRIMARY KEY,
        known_at REAL NOT NULL
    );
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
    CREATE TABLE told_sessions (
        target     TEXT NOT NULL REFERENCES notify_targets ON DELETE CASCADE,
        session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        PRIMARY KEY (target, session_id)
    );
    """,
    # The page reads by these several times a second. Without them each of 200,000 rows is read: over a second.
    """
    CREATE INDEX frames_by_outcome ON frames (state, outcome);
    CREATE INDEX frames_by_end ON frames (state, finished_at, job_id);
    CREATE INDEX frames_by_roll ON frames (collection, box, roll, state, outcome);
    """,
    # The review lists the few frames with a flag, a caution or a verdict; see `daemon.database.sheets.flagged`.
    """
    CREATE INDEX frames_to_review ON frames (json_extract(result, '$.verdict'), collection, box, roll, number)
        WHERE state = 'finished' AND outcome = 'archived' AND (json_extract(result, '$.warnings') != '[]'
            OR json_extract(request, '$.flags') != '[]' OR json_extract(result, '$.verdict') IS NOT NULL);
    """,
    # The list of the rolls: to count 200,000 frames takes 60 ms and more. No frame ever changes its roll.
    """
    CREATE TABLE roll_counts (
        collection TEXT NOT NULL,
        box        TEXT NOT NULL,
        roll       TEXT NOT NULL,
        waiting    INTEGER NOT NULL DEFAULT 0,
        archived   INTEGER NOT NULL DEFAULT 0,
        failed     INTEGER NOT NULL DEFAULT 0,
        set_aside  INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (collection, box, roll)
    ) WITHOUT ROWID;
    INSERT INTO roll_counts
        SELECT collection, box, roll, sum(outcome IS NULL), sum(outcome IS 'archived'), sum(outcome IS 'failed'),
            sum(outcome IS 'set_aside') FROM frames GROUP BY collection, box, roll;
    CREATE TRIGGER frame_comes AFTER INSERT ON frames BEGIN
        -- Not OR IGNORE: a trigger takes what the statement that fires it says about conflicts.
        INSERT INTO roll_counts (collection, box, roll) SELECT new.collection, new.box, new.roll WHERE NOT EXISTS (
            SELECT 1 FROM roll_counts WHERE collection = new.collection AND box = new.box AND roll = new.roll);
        UPDATE roll_counts SET waiting = waiting + (new.outcome IS NULL),
            archived = archived + (new.outcome IS 'archived'), failed = failed + (new.outcome IS 'failed'),
            set_aside = set_aside + (new.outcome IS 'set_aside')
            WHERE collection = new.collection AND box = new.box AND roll = new.roll;
    END;
    CREATE TRIGGER frame_goes AFTER DELETE ON frames BEGIN
        UPDATE roll_counts SET waiting = waiting - (old.outcome IS NULL),
            archived = archived - (old.outcome IS 'archived'), failed = failed - (old.outcome IS 'failed'),
            set_aside = set_aside - (old.outcome IS 'set_aside')
            WHERE collection = old.collection AND box = old.box AND roll = old.roll;
        DELETE FROM roll_counts WHERE collection = old.collection AND box = old.box AND roll = old.roll
            AND waiting + archived + failed + set_aside = 0;
    END;
    CREATE TRIGGER frame_ends AFTER UPDATE OF outcome ON frames WHEN old.outcome IS NOT new.outcome BEGIN
        UPDATE roll_counts SET waiting = waiting + (new.outcome IS NULL) - (old.outcome IS NULL),
            archived = archived + (new.outcome IS 'archived') - (old.outcome IS 'archived'),
            failed = failed + (new.outcome IS 'failed') - (old.outcome IS 'failed'),
            set_aside = set_aside + (new.outcome IS 'set_aside') - (old.outcome IS 'set_aside')
            WHERE collection = new.collection AND box = new.box AND roll = new.roll;
    END;
    CREATE TRIGGER frame_stays BEFORE UPDATE OF collection, box, roll ON frames
        WHEN (old.collection, old.box, old.roll) IS NOT (new.collection, new.box, new.roll) BEGIN
        SELECT raise(ABORT, 'a frame does not change its roll: its folder in the archive has the name of it');
    END;
    DROP INDEX frames_by_roll;
    """,
    # The service looks for reopened rolls every few seconds, among the records of 200,000 frames.
    """
    CREATE INDEX reopened_rolls ON archive_records (path) WHERE path LIKE '%/reopened.json';
    """,
    # The copies of sealed rolls at other places; see `filmscand.daemon.database.keeping.replicas`.
    """
    CREATE TABLE replica_targets (
        target        TEXT PRIMARY KEY,
        place         TEXT NOT NULL,
        replica_id    TEXT,
        failing_since REAL,
        error         TEXT,
        tries         INTEGER NOT NULL DEFAULT 0,
        not_before    REAL NOT NULL DEFAULT 0
    );
    CREATE TABLE replicas (
        target      TEXT NOT NULL REFERENCES replica_targets ON DELETE CASCADE,
        roll        TEXT NOT NULL,
        state       TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'copying', 'verified')),
        generation  TEXT NOT NULL,
        verified    TEXT,
        verified_at REAL,
        files_done  INTEGER NOT NULL DEFAULT 0,
        files       INTEGER NOT NULL DEFAULT 0,
        bytes_done  INTEGER NOT NULL DEFAULT 0,
        bytes       INTEGER NOT NULL DEFAULT 0,
        tries       INTEGER NOT NULL DEFAULT 0,
        error       TEXT,
        not_before  REAL NOT NULL DEFAULT 0,
        blocked     INTEGER NOT NULL DEFAULT 0 CHECK (blocked IN (0, 1)),
        PRIMARY KEY (target, roll)
    );
    CREATE INDEX replicas_by_roll ON replicas (roll);
    """,
    # See `filmscand.daemon.database.keeping.audits`. `number` 0: what a roll has besides its frames.
    """
    CREATE TABLE audits (
        collection TEXT NOT NULL,
        box        TEXT NOT NULL,
        roll       TEXT NOT NULL,
        number     INTEGER NOT NULL CHECK (number >= 0),
        read_at    REAL NOT NULL DEFAULT 0,
        size_bytes INTEGER NOT NULL DEFAULT 0,
        damage     TEXT NOT NULL DEFAULT '[]',
        damaged_at REAL,
        PRIMARY KEY (collection, box, roll, number),
        CHECK ((damaged_at IS NULL) = (damage = '[]'))
    ) WITHOUT ROWID;
    CREATE INDEX audits_by_time ON audits (read_at, collection, box, roll, number);
    CREATE INDEX audits_damaged ON audits (collection, box, roll, number) WHERE damaged_at IS NOT NULL;
    """,
)
