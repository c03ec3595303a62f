-- Some 3 KB compressed, written once and hardly ever read: in the row, two to a page, and not in pieces with an index of
-- their own.
ALTER TABLE retrievals SET (toast_tuple_target = 4080);
