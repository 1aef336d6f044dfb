-- A file as version 1 wrote it. It is never changed: version 1 is in people's homes.
PRAGMA application_id = 1332497505;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE chats (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  parameters TEXT NOT NULL,
  leaf_id INTEGER,
  revision INTEGER NOT NULL,
  deleted REAL
) WITHOUT ROWID;
INSERT INTO "chats" VALUES('2bb14bb8b38ca5ab','Colors of the sky',1.79553071139023470879e+09,1.79553071139237976072e+09,'{"model": "qwen3:0.6b", "system": "Be brief.", "options": {"temperature": 0.2}, "think": null}',3,6,NULL);
CREATE TABLE images (
  digest TEXT PRIMARY KEY,
  data BLOB NOT NULL
);
INSERT INTO "images" VALUES('796120837694d3f3f29259cfeb25091698c2a0aa87873658d840b4993ee889b3',X'504E47');
CREATE TABLE message_images (
  message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  digest TEXT NOT NULL REFERENCES images (digest),
  name TEXT NOT NULL,
  mime TEXT NOT NULL,
  PRIMARY KEY (message_id, position)
) WITHOUT ROWID;
INSERT INTO "message_images" VALUES(1,0,'796120837694d3f3f29259cfeb25091698c2a0aa87873658d840b4993ee889b3','a.png','image/png');
CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id TEXT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES messages (id),
  depth INTEGER NOT NULL,
  role TEXT NOT NULL,
  text TEXT NOT NULL,
  thinking TEXT NOT NULL,
  extras TEXT NOT NULL,
  provenance TEXT NOT NULL,
  stats TEXT NOT NULL,
  state TEXT NOT NULL,
  created REAL NOT NULL,
  updated REAL NOT NULL,
  owner TEXT NOT NULL,
  is_indexed INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "messages" VALUES(1,'2bb14bb8b38ca5ab',NULL,1,'user','Why is the sky blue?','','{"attachments": [{"name": "a.txt", "text": "hello"}]}','{}','{}','done',1.79553071139061570164e+09,1.79553071139061570164e+09,'',0);
INSERT INTO "messages" VALUES(2,'2bb14bb8b38ca5ab',1,2,'assistant','It is reflected.','','{}','{}','{}','done',1.7955307113916976452e+09,1.79553071139193558694e+09,'vm/567/411356',0);
INSERT INTO "messages" VALUES(3,'2bb14bb8b38ca5ab',1,2,'assistant','It scatters.','Hm.','{}','{"model": "qwen3:0.6b"}','{"answer_tokens": 3}','done',1.79553071139221191408e+09,1.79553071139236855502e+09,'vm/567/411356',0);
CREATE TABLE pieces (
  id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  thinking TEXT NOT NULL
);
CREATE TABLE revision (value INTEGER NOT NULL);
INSERT INTO "revision" VALUES(6);
CREATE INDEX chats_by_time ON chats (updated);
CREATE INDEX chats_by_title ON chats (title);
CREATE INDEX chats_by_revision ON chats (revision);
CREATE INDEX messages_by_chat ON messages (chat_id, parent_id);
CREATE INDEX messages_by_parent ON messages (parent_id);
CREATE INDEX messages_streaming ON messages (chat_id) WHERE state = 'streaming';
CREATE INDEX messages_to_index ON messages (id) WHERE is_indexed = 0;
CREATE INDEX pieces_by_message ON pieces (message_id);
CREATE INDEX message_images_by_digest ON message_images (digest);
COMMIT;
