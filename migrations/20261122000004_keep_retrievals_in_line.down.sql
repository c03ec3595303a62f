ALTER TABLE retrievals RESET (toast_tuple_target);
