//! A sparse vector: term indices with their weights, as Qdrant takes them.

/// Sorted by index, each index once. Both vectors have the same length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sparse {
    pub indices: Vec<u32>,
    pub values: Vec<f32>,
}

impl Sparse {
    /// From pairs in any order. The values of an index that occurs twice (two terms whose hashes collide)
    /// are summed: Qdrant refuses a vector that names an index twice.
    pub fn from_pairs(mut pairs: Vec<(u32, f32)>) -> Self {
        pairs.sort_by_key(|&(index, _)| index);
        let mut sparse =
            Self { indices: Vec::with_capacity(pairs.len()), values: Vec::with_capacity(pairs.len()) };
        for (index, value) in pairs {
            match (sparse.indices.last(), sparse.values.last_mut()) {
                (Some(&last), Some(sum)) if last == index => *sum += value,
                _ => {
                    sparse.indices.push(index);
                    sparse.values.push(value);
                }
            }
        }
        sparse
    }

    pub fn len(&self) -> usize {
        self.indices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The pairs, in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.indices.iter().copied().zip(self.values.iter().copied())
    }

    /// The value at an index, when it is there.
    pub fn get(&self, index: u32) -> Option<f32> {
        let position = self.indices.binary_search(&index).ok()?;
        self.values.get(position).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_collisions_are_summed() {
        let sparse = Sparse::from_pairs(vec![(9, 1.0), (2, 0.5), (9, 0.25)]);
        assert_eq!(sparse, Sparse { indices: vec![2, 9], values: vec![0.5, 1.25] });
        assert_eq!(sparse.get(9), Some(1.25));
        assert_eq!(sparse.get(3), None);
    }
}
