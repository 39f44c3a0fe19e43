"""Schema of the sandbox's SQLite file."""

import re

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS effects_kind ON effects (kind, id);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL, plan TEXT NOT NULL, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, kind TEXT NOT NULL, expires_at REAL NOT NULL, dead INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS oauth_codes (
    code TEXT PRIMARY KEY, who TEXT NOT NULL, scope TEXT NOT NULL, issued_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS user_tickets (ticket TEXT PRIMARY KEY, userid TEXT NOT NULL, issued_at REAL NOT NULL);

CREATE TABLE IF NOT EXISTS members (
    userid TEXT PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL, position TEXT NOT NULL DEFAULT '',
    department INTEGER NOT NULL DEFAULT 2, gender INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 1, licensed INTEGER NOT NULL DEFAULT 1, active INTEGER NOT NULL DEFAULT 1,
    follows INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS member_details (
    userid TEXT PRIMARY KEY COLLATE NOCASE, departments TEXT NOT NULL DEFAULT '[]', leads TEXT NOT NULL DEFAULT '[]',
    leaders TEXT NOT NULL DEFAULT '[]', status INTEGER NOT NULL DEFAULT 1, visible INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS departments (
    id INTEGER PRIMARY KEY, parentid INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS customers (
    external_userid TEXT PRIMARY KEY, name TEXT NOT NULL, type INTEGER NOT NULL, gender INTEGER NOT NULL,
    unionid TEXT NOT NULL, corp_name TEXT NOT NULL DEFAULT '', added INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS follows (
    userid TEXT NOT NULL COLLATE NOCASE, external_userid TEXT NOT NULL, remark TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', remark_company TEXT NOT NULL DEFAULT '',
    remark_mobiles TEXT NOT NULL DEFAULT '[]', createtime INTEGER NOT NULL, add_way INTEGER NOT NULL,
    oper_userid TEXT NOT NULL, state TEXT NOT NULL DEFAULT '', agree TEXT NOT NULL DEFAULT 'Default_Agree',
    agree_at INTEGER NOT NULL DEFAULT 0, blocked INTEGER NOT NULL DEFAULT 0, talked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (userid, external_userid));
CREATE INDEX IF NOT EXISTS follows_customer ON follows (external_userid);
CREATE TABLE IF NOT EXISTS personal_tags (
    userid TEXT NOT NULL COLLATE NOCASE, external_userid TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (userid, external_userid, name));
CREATE TABLE IF NOT EXISTS tag_groups (
    group_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, create_time INTEGER NOT NULL,
    made_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tags (
    tag_id TEXT PRIMARY KEY, group_id TEXT NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL,
    create_time INTEGER NOT NULL, made_by TEXT NOT NULL, UNIQUE (group_id, name));
CREATE TABLE IF NOT EXISTS marks (
    userid TEXT NOT NULL COLLATE NOCASE, external_userid TEXT NOT NULL, tag_id TEXT NOT NULL,
    PRIMARY KEY (userid, external_userid, tag_id));
CREATE TABLE IF NOT EXISTS welcomes (
    code TEXT PRIMARY KEY, userid TEXT NOT NULL, external_userid TEXT NOT NULL, issued_at REAL NOT NULL,
    used_at REAL);
CREATE TABLE IF NOT EXISTS contact_ways (config_id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS transfers (
    external_userid TEXT NOT NULL, handover TEXT NOT NULL, takeover TEXT NOT NULL, status INTEGER NOT NULL,
    takeover_time INTEGER NOT NULL, PRIMARY KEY (external_userid, handover, takeover));

CREATE TABLE IF NOT EXISTS rooms (
    chat_id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, create_time INTEGER NOT NULL,
    notice TEXT NOT NULL DEFAULT '', internal INTEGER NOT NULL DEFAULT 0, version TEXT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS room_members (
    chat_id TEXT NOT NULL, who TEXT NOT NULL, join_time INTEGER NOT NULL, join_scene INTEGER NOT NULL,
    invitor TEXT NOT NULL DEFAULT '', PRIMARY KEY (chat_id, who));

CREATE TABLE IF NOT EXISTS talk (
    id INTEGER PRIMARY KEY AUTOINCREMENT, msgid TEXT NOT NULL, sender TEXT NOT NULL, receiver TEXT NOT NULL,
    roomid TEXT NOT NULL, msgtime INTEGER NOT NULL, msgtype TEXT NOT NULL, message TEXT NOT NULL, seq INTEGER);
CREATE INDEX IF NOT EXISTS talk_pair ON talk (sender, receiver, id);
CREATE INDEX IF NOT EXISTS talk_msgid ON talk (msgid);
CREATE TABLE IF NOT EXISTS archive (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, msgid TEXT NOT NULL, publickey_ver INTEGER NOT NULL,
    encrypt_random_key TEXT NOT NULL, encrypt_chat_msg TEXT NOT NULL, stored_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS archive_files (
    file_id TEXT PRIMARY KEY, auth_key TEXT NOT NULL, key_hex TEXT NOT NULL, content BLOB NOT NULL,
    stored_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS media (
    media_id TEXT PRIMARY KEY, type TEXT NOT NULL, filename TEXT NOT NULL, content BLOB NOT NULL,
    created_at REAL NOT NULL);

CREATE TABLE IF NOT EXISTS app_messages (
    msgid TEXT PRIMARY KEY, msgtype TEXT NOT NULL, body TEXT NOT NULL, fingerprint TEXT NOT NULL,
    task_id TEXT, response_code TEXT, created_at REAL NOT NULL, recalled_at REAL);
CREATE UNIQUE INDEX IF NOT EXISTS app_messages_task ON app_messages (task_id);
CREATE INDEX IF NOT EXISTS app_messages_fingerprint ON app_messages (fingerprint, created_at);
CREATE TABLE IF NOT EXISTS inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, msgid TEXT NOT NULL, userid TEXT NOT NULL COLLATE NOCASE,
    msgtype TEXT NOT NULL, body TEXT NOT NULL, created_at REAL NOT NULL, replaced TEXT NOT NULL DEFAULT '',
    recalled INTEGER NOT NULL DEFAULT 0, read_at REAL, mine INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS inbox_member ON inbox (userid, created_at);
CREATE TABLE IF NOT EXISTS response_codes (
    code TEXT PRIMARY KEY, msgid TEXT NOT NULL, clicker TEXT NOT NULL, issued_at REAL NOT NULL, used_at REAL);

CREATE TABLE IF NOT EXISTS callbacks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, event TEXT NOT NULL, xml TEXT NOT NULL,
    created_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting');
CREATE INDEX IF NOT EXISTS callbacks_state ON callbacks (state, id);

CREATE TABLE IF NOT EXISTS group_sends (
    msgid TEXT PRIMARY KEY, chat_type TEXT NOT NULL, body TEXT NOT NULL, created_at REAL NOT NULL,
    cancelled_at REAL, reminders TEXT NOT NULL DEFAULT '[]');
CREATE TABLE IF NOT EXISTS group_send_targets (
    msgid TEXT NOT NULL, userid TEXT NOT NULL COLLATE NOCASE, target TEXT NOT NULL,
    status INTEGER NOT NULL DEFAULT 0, send_time INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (msgid, userid, target));
CREATE INDEX IF NOT EXISTS group_send_targets_customer ON group_send_targets (target, status, send_time);
"""

TABLES = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", SCHEMA)
