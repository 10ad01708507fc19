"""Who answers: the definition of an assistant."""
