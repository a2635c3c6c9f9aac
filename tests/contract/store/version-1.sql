-- A database of schema version 1 as it was released: what every later version has to be able to read. Never edit.
INSERT INTO clusters (id, file, block) VALUES ('c1', TRUE, FALSE);
INSERT INTO nodes (id, cluster, zone, state, tags, pending_operation, pending_hidden)
    VALUES ('n1', 'c1', 1, 'online', '{"arbiter":"required"}', NULL, NULL);
INSERT INTO node_hosts (node, role, position, host)
    VALUES ('n1', 'manage', 0, 'node1'), ('n1', 'manage', 1, 'node1.example'), ('n1', 'storage', 0, '10.0.0.1');
INSERT INTO devices (id, node, name, total, foreign_use, extent, pv_uuid, paths, state, tags, pending_operation, pending_hidden)
    VALUES ('d1', 'n1', '/dev/sdb', 104857600, 4096, 4096, 'pv-1', '["/dev/disk/by-id/one"]', 'offline', '{}', 'o2', FALSE);
INSERT INTO volumes (id, cluster, name, size_gib, durability, durability_request, gid, options, snapshot_enabled, snapshot_factor, block, brick_sets, pending_operation, pending_hidden)
    VALUES ('v1', 'c1', 'vol_v1', 10, 'replica 1', '["replicate",1,0,0]', 2000, '["auth.allow *",""]', TRUE, 1.5, TRUE, '[["b1"]]', NULL, NULL);
INSERT INTO bricks (id, device, volume, size, pool_size, metadata_size, thin_pool, gid)
    VALUES ('b1', 'd1', 'v1', 10485760, 15728640, 81920, 'tp_b1', 2000);
INSERT INTO operations (id, kind, subject, state, steps, result, error, created_at, updated_at)
    VALUES
    ('o1', 1, 'v1', 'done', '{"version":1,"groups":[]}', '/volumes/v1', '', 1700000000.5, 1700000001.5),
    ('o2', 106, 'd1', 'stuck', '{"version":1,"groups":[[{"":"CheckGlusterd","host":"node1"}]]}', '', 'no answer', 1700000002.0, 1700000003.0);
UPDATE meta SET revision = 42;
