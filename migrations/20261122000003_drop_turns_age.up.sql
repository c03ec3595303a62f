-- One index of active turns too many: while few are active all of them look alike to the planner, and it read this one
-- from end to end where another had the key. What it was for (turns that are too old) is asked seldom.
DROP INDEX turns_age;
