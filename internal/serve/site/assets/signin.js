const form = document.getElementById("signin");
const problem = document.getElementById("problem");
const sentence = (words) => (words ? words[0].toUpperCase() + words.slice(1) + "." : "");
const button = form.querySelector("button");

// The session's cookie is not for scripts to see; this note only saves a question that would be answered with "not signed in".
if (localStorage.getItem("signed-in")) {
  const me = await fetch("/v1/session");
  if (me.ok) location.replace("/campaigns");
  else localStorage.removeItem("signed-in");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const missing = [...form.elements].find((field) => field.required && !field.value.trim());
  if (missing) {
    problem.textContent = `Please fill in your ${missing.name}.`;
    missing.focus();
    return;
  }
  button.disabled = true;
  try {
    const answer = await fetch("/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()).slice(2) },
      body: JSON.stringify({ email: form.email.value.trim(), password: form.password.value }),
    });
    if (answer.ok) {
      localStorage.setItem("signed-in", "yes");
      location.replace("/campaigns");
      return;
    }
    const told = await answer.json().catch(() => ({}));
    problem.textContent = sentence(told.detail || told.title) || `The server answered ${answer.status}. Please try again.`;
    form.password.select();
  } catch {
    problem.textContent = "The server does not answer. Check the connection and try again.";
  } finally {
    button.disabled = false;
  }
});
